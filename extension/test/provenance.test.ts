import { expect, it } from 'vitest';

import { describe as inWords, readProvenance } from '../src/provenance';

const WORDS = {
  models: 'models',
  cached: 'cached',
  simulated: 'simulated',
  cascade: 'cascade',
  fallback: 'fallback'
};

const ANSWER = {
  model: 'alpha:small',
  cost: '0.0125',
  seconds: 0.84,
  cached: false,
  simulated: false,
  attempts: [{ model: 'alpha:small', cause: null }]
};

function badge(...metadata: unknown[]): string | null {
  const answer = readProvenance(metadata);
  return answer && inWords(answer, WORDS);
}

it('an answer is described', () => {
  expect(badge({ orch_nb: ANSWER })).toBe('alpha:small · $0.013 · 0.8 s');
  expect(badge({}, { orch_nb: { ...ANSWER, cached: true, cost: null } })).toBe(
    'alpha:small · — · 0.8 s · cached'
  );
});

it('a fallback is told', () => {
  const attempts = [{ model: 'alpha:large', cause: '429' }, ...ANSWER.attempts];
  expect(badge({ orch_nb: { ...ANSWER, attempts } })).toBe(
    'alpha:small · $0.013 · 0.8 s · fallback'
  );
  expect(readProvenance([{ orch_nb: { ...ANSWER, attempts } }])?.failed).toEqual([
    'alpha:large (429)'
  ]);
});

it('a draft is no failure', () => {
  const attempts = [{ model: 'alpha:large', cause: 'agreed' }, ...ANSWER.attempts];
  const cascade = { drafts: ['alpha:large', 'alpha:small'], strong: 'alpha:huge' };
  expect(badge({ orch_nb: { ...ANSWER, attempts, cascade } })).toBe(
    'alpha:small · $0.013 · 0.8 s · cascade'
  );
});

it('several answers are added up', () => {
  const other = { ...ANSWER, model: 'alpha:large', cost: '0.1', cached: true };
  expect(badge({ orch_nb: [ANSWER, other] })).toBe('2 models · $0.11');
  expect(badge({ orch_nb: [ANSWER] }, { orch_nb: { ...other, cost: null } })).toBe('2 models · —');
});

it('a notebook may say anything', () => {
  for (const orch_nb of [null, 'x', 3, [], [null], {}, { model: 3 }, [[ANSWER]]]) {
    expect(badge({ orch_nb })).toBeNull();
  }
  expect(badge(undefined, null, 'x', [])).toBeNull();
  expect(badge({ orch_nb: { model: 'a:b', cost: 'NaN', seconds: {}, attempts: [1, {}] } })).toBe(
    'a:b · —'
  );
});
