import { isRecord } from './messages';
import { dollars, seconds } from './figures';

/** What the metadata of a cell's outputs say of its answers, added up. */
export interface IProvenance {
  models: string[];
  /** dollars; null where one is unknown */
  cost: number | null;
  /** null for several answers: side by side or after one another, only the kernel knew */
  seconds: number | null;
  cached: boolean;
  simulated: boolean;
  /** whether two drafts had to agree, or one to pass a check: what was tried are drafts as well */
  cascade: boolean;
  /** models that were tried and failed before the answer, with the cause */
  failed: string[];
}

/** An answer of a notebook that anybody may have written: nothing in it is what it should be. */
function readAnswer(data: unknown): IProvenance | null {
  if (!isRecord(data) || typeof data.model !== 'string') {
    return null;
  }
  const attempts = Array.isArray(data.attempts) ? data.attempts.filter(isRecord) : [];
  return {
    models: [data.model],
    cost: readNumber(data.cost),
    seconds: readNumber(data.seconds),
    cached: data.cached === true,
    simulated: data.simulated === true,
    cascade: isRecord(data.cascade),
    failed: attempts
      .filter(({ model, cause }) => typeof model === 'string' && typeof cause === 'string' && cause)
      .map(({ model, cause }) => `${String(model)} (${String(cause)})`)
  };
}

/** Money is text, so that no digit is lost on its way. */
function readNumber(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

/** All answers in the metadata of one cell's outputs, as one; null where there is none. */
export function readProvenance(metadata: readonly unknown[]): IProvenance | null {
  const answers = metadata
    .flatMap(one => (isRecord(one) ? one.orch_nb : undefined))
    .map(readAnswer)
    .filter(answer => answer !== null);
  return answers.length === 0 ? null : answers.reduce(together);
}

function together(one: IProvenance, other: IProvenance): IProvenance {
  return {
    models: [...new Set([...one.models, ...other.models])],
    cost: one.cost === null || other.cost === null ? null : one.cost + other.cost,
    seconds: null,
    cached: one.cached && other.cached,
    simulated: one.simulated || other.simulated,
    cascade: one.cascade || other.cascade,
    failed: [...one.failed, ...other.failed]
  };
}

/** The words of a badge, in one line. */
export function describe(
  answer: IProvenance,
  words: Record<'models' | 'cached' | 'simulated' | 'cascade' | 'fallback', string>
): string {
  const { models } = answer;
  return [
    models.length === 1 ? models[0] : `${models.length} ${words.models}`,
    dollars(answer.cost),
    ...(answer.seconds === null ? [] : [seconds(answer.seconds)]),
    ...(answer.cached ? [words.cached] : []),
    ...(answer.simulated ? [words.simulated] : []),
    ...(answer.failed.length ? [answer.cascade ? words.cascade : words.fallback] : [])
  ].join(' · ');
}
