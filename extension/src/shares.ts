import { IWeights } from './messages';

export const TERMS = ['cost', 'quality', 'speed'] as const;
export type Term = (typeof TERMS)[number];

/** Weights as shares of 1; equal ones where all are 0. */
export function shares(weights: IWeights): IWeights {
  const sum = TERMS.reduce((total, term) => total + Math.max(weights[term], 0), 0);
  const share = (term: Term) => (sum > 0 ? Math.max(weights[term], 0) / sum : 1 / TERMS.length);
  return { cost: share('cost'), quality: share('quality'), speed: share('speed') };
}

/** One term set to a share; the others divide the rest as they did before, or evenly. */
export function rebalance(weights: IWeights, moved: Term, share: number): IWeights {
  const rest = 1 - Math.min(Math.max(share, 0), 1);
  const before = shares(weights);
  const others = TERMS.filter(term => term !== moved);
  const sum = others.reduce((total, term) => total + before[term], 0);
  const after = { ...before, [moved]: 1 - rest };
  for (const term of others) {
    after[term] = sum > 0 ? (before[term] / sum) * rest : rest / others.length;
  }
  return after;
}
