import { INotebookTracker } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import { beforeEach, expect, it } from 'vitest';

import messages from '../fixtures/messages.json';
import { KernelLink } from '../src/kernel';
import { IRanking, IState, Push } from '../src/messages';
import { SessionModel } from '../src/model';

/** A notebook whose kernel pushes what a test says. */
class Panel {
  sessionContext = {
    disposed: new Signal<object, void>({}),
    session: null,
    ready: Promise.resolve(),
    kernelChanged: new Signal<object, void>({}),
    statusChanged: new Signal<object, void>({}),
    connectionStatusChanged: new Signal<object, void>({})
  };
}

class Tracker {
  currentWidget: Panel | null = null;
  currentChanged = new Signal<this, Panel | null>(this);
  show(panel: Panel | null): void {
    this.currentWidget = panel;
    this.currentChanged.emit(panel);
  }
}

let tracker: Tracker;
let panels: Panel[];
let model: SessionModel;
let outdated: number;

beforeEach(() => {
  tracker = new Tracker();
  panels = [new Panel(), new Panel()];
  model = new SessionModel(tracker as unknown as INotebookTracker, () => ({
    autoload: false,
    strategy: ''
  }));
  outdated = 0;
  model.outdated.connect(() => (outdated += 1));
});

/** What the kernel of a notebook pushes, past its comm: `link.test.ts` has that. */
function push(panel: Panel, data: unknown): void {
  const link = model.linkOf(panel as never) as unknown as { onData: (data: unknown) => void };
  link.onData(data);
}

const ranking = (request: number): Push => ({ ...(messages.ranking as IRanking), request });

it('shows the notebook in front', () => {
  const other: IState = { ...messages.state.state, strategy: 'cost' };
  expect([model.phase, model.state]).toEqual(['none', null]);
  tracker.show(panels[0]);
  push(panels[0], messages.state);
  push(panels[1], { ...messages.state, state: other });
  expect(model.state?.strategy).toBe('balanced');
  tracker.show(panels[1]);
  expect(model.state?.strategy).toBe('cost');
  tracker.show(null);
  expect(model.state).toBeNull();
});

it('has one link a notebook', () => {
  tracker.show(panels[0]);
  const link: KernelLink = model.linkOf(panels[0] as never);
  expect(model.linkOf({ sessionContext: panels[0].sessionContext } as never)).toBe(link);
  expect(model.linkOf(panels[1] as never)).not.toBe(link);
  panels[0].sessionContext.disposed.emit();
  expect(link.isDisposed).toBe(true);
});

it('shows the answer to the last question only', () => {
  tracker.show(panels[0]);
  model.expect(8);
  push(panels[0], ranking(7));
  expect(model.ranking).toBeNull();
  push(panels[0], ranking(8));
  expect(model.ranking?.request).toBe(8);
  model.expect(9);
  push(panels[0], ranking(8));
  push(panels[0], ranking(9));
  expect(model.ranking?.request).toBe(9);
  model.expect(null);
  expect(model.ranking).toBeNull();
});

it('an answer goes with its notebook', () => {
  tracker.show(panels[0]);
  model.expect(8);
  push(panels[0], ranking(8));
  tracker.show(panels[1]);
  expect(model.ranking).toBeNull();
});

it('says when a ranking may be another, and only then', () => {
  tracker.show(panels[0]);
  const { state } = messages.state;
  const [first, ...others] = state.models;
  const told = [
    state,
    { ...state, busy: [], calls: [], models: [{ ...first, p50: 2 }, ...others] },
    { ...state, strategy: 'cost' },
    { ...state, strategy: 'cost', models: [{ ...first, on: false }, ...others] }
  ].map(state => {
    outdated = 0;
    push(panels[0], { ...messages.state, state });
    return outdated;
  });
  expect(told).toEqual([1, 0, 1, 1]);
});

it('an error stands until something else is asked for', () => {
  tracker.show(panels[0]);
  push(panels[0], messages.error);
  expect(model.error).toBe(messages.error.message);
  push(panels[0], messages.state);
  expect(model.error).toBe(messages.error.message);
  model.send({ type: 'refresh' });
  expect(model.error).toBe('');
});
