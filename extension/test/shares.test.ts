import { expect, it } from 'vitest';

import { rebalance, shares } from '../src/shares';

it('shares add up to one', () => {
  expect(shares({ cost: 6, quality: 3, speed: 1 })).toEqual({
    cost: 0.6,
    quality: 0.3,
    speed: 0.1
  });
  expect(shares({ cost: 0, quality: 0, speed: 0 }).cost).toBeCloseTo(1 / 3);
});

it('what is not moved keeps its proportions', () => {
  const moved = rebalance({ cost: 0.4, quality: 0.4, speed: 0.2 }, 'cost', 0.7);
  expect(moved.cost).toBeCloseTo(0.7);
  expect(moved.quality).toBeCloseTo(0.2);
  expect(moved.speed).toBeCloseTo(0.1);
});

it('comes back from either end', () => {
  const all = rebalance({ cost: 1, quality: 1, speed: 1 }, 'speed', 1);
  expect(all).toEqual({ cost: 0, quality: 0, speed: 1 });
  expect(rebalance(all, 'speed', 0.5)).toEqual({ cost: 0.25, quality: 0.25, speed: 0.5 });
  expect(rebalance(all, 'speed', 7).speed).toBe(1);
});
