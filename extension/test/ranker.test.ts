import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { Command } from '../src/messages';
import { PAUSE_MS, Ranker, question } from '../src/ranker';

let sent: Command[];
let expected: (number | null)[];
let ranker: Ranker;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  expected = [];
  ranker = new Ranker(
    { send: command => sent.push(command), expect: request => expected.push(request) },
    40
  );
});

afterEach(() => {
  ranker.dispose();
  vi.useRealTimers();
});

it('asks once, when the writer pauses', async () => {
  for (const prompt of ['N', 'Na', 'Nam', 'Name']) {
    ranker.follow(`%%orch --local\n${prompt}`);
    await vi.advanceTimersByTimeAsync(PAUSE_MS - 1);
  }
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(sent).toEqual([{ type: 'rank', request: 41, line: '%%orch --local', prompt: 'Name' }]);
  expect(expected).toEqual([41]);
});

it('numbers its questions, and waits for no answer to what is gone', async () => {
  ranker.follow('%%orch\nName a sea');
  await vi.advanceTimersByTimeAsync(PAUSE_MS);
  ranker.follow('x = 1');
  expect(expected).toEqual([41, null]);
  await vi.advanceTimersByTimeAsync(PAUSE_MS);
  ranker.follow('%%orch_select\nName a lake');
  await vi.advanceTimersByTimeAsync(PAUSE_MS);
  expect(sent.map(command => command.type === 'rank' && command.request)).toEqual([41, 42]);
});

it('only prompts are ranked', () => {
  for (const source of ['', 'x', '%%orch', '%%orch\n  \n', '%%orch_pipeline\nsteps: []']) {
    expect(question(source, 1)).toBeNull();
  }
});
