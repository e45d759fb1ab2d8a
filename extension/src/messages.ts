/** The messages between a kernel and JupyterLab; `fixtures/messages.json` has one of each. */

/** The form of the state that this side reads. */
export const VERSION = 1;

export interface IWeights {
  cost: number;
  quality: number;
  speed: number;
}

/** Dollars since the session began; `hour` is that of all sessions here in the last hour. */
export interface ISpend {
  known: number;
  estimated: number;
  /** at most this much more */
  unknown: number;
  /** held for calls under way */
  reserved: number;
  /** what answers from the cache would have cost */
  saved: number;
  limits: Record<'task' | 'pipeline' | 'session' | 'hour', number | null>;
  hour: number;
}

export interface IModelState {
  id: string;
  on: boolean;
  health: string;
  /** median seconds of an answer */
  p50: number | null;
  spend: number | null;
  calls: number;
}

export interface IToolState {
  name: string;
  model: string | null;
}

export interface ICall {
  number: number;
  /** JupyterLab's id of the cell that asked */
  cell: string | null;
  prompt: string;
  model: string | null;
  cost: number | null;
  seconds: number | null;
  cached: boolean;
  outcome: string;
  trail: string;
}

export interface IState {
  package: string;
  mode: string;
  strategy: string;
  strategies: string[];
  weights: IWeights;
  spend: ISpend;
  models: IModelState[];
  /** models that are known and not listed */
  more_models: number;
  tools: IToolState[];
  /** the last first */
  calls: ICall[];
  busy: { model: string; calls: number }[];
}

export interface IRanking {
  type: 'ranking';
  request: number;
  kind: string;
  rows: {
    model: string;
    score: number | null;
    cost: number | null;
    seconds: number | null;
    reason: string;
  }[];
  rejected: { model: string; reason: string }[];
  error: string;
}

/** What a kernel pushes. */
export type Push =
  { type: 'state'; version: number; state: IState } | IRanking | { type: 'error'; message: string };

/** What a kernel is asked for. */
export type Command =
  | { type: 'hello' }
  | { type: 'set'; strategy?: string; weights?: IWeights }
  | { type: 'pin'; tool: string; model: string | null }
  | { type: 'switch'; name: string; on: boolean }
  | { type: 'rank'; request: number; line: string; prompt: string }
  | { type: 'refresh' }
  | { type: 'stop' };

const LISTS: Record<string, readonly string[]> = {
  ranking: ['rows', 'rejected'],
  state: ['strategies', 'models', 'tools', 'calls', 'busy']
};

/**
 * What a kernel sent, or null for what this side cannot show.
 *
 * A state of another version is passed on as far as its number, for whoever says so.
 */
export function readPush(data: unknown): Push | null {
  if (!isRecord(data)) {
    return null;
  }
  switch (data.type) {
    case 'state':
      return data.version !== VERSION || isState(data.state) ? (data as unknown as Push) : null;
    case 'ranking':
      return hasLists(data, 'ranking') ? (data as unknown as Push) : null;
    case 'error':
      return typeof data.message === 'string' ? (data as unknown as Push) : null;
    default:
      return null;
  }
}

function isState(state: unknown): boolean {
  return (
    isRecord(state) &&
    hasLists(state, 'state') &&
    isRecord(state.weights) &&
    isRecord(state.spend) &&
    isRecord(state.spend.limits)
  );
}

function hasLists(data: Record<string, unknown>, kind: string): boolean {
  return LISTS[kind].every(name => Array.isArray(data[name]));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
