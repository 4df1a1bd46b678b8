import { expect, test } from 'vitest';
import { CostEstimate } from './cost-estimate.js';

test('knows nothing before the second run of any size, then goes by the nearest', () => {
  const cost = new CostEstimate();
  cost.measured(100, 50);
  expect(cost.predict(100)).toBeUndefined();
  cost.measured(100, 2);
  expect([cost.predict(100), cost.predict(70), cost.predict(1000), cost.predict(1)]).toEqual([2, 2, 2, 2]);
  cost.measured(1000, 9);
  cost.measured(1000, 20);
  expect([cost.predict(100), cost.predict(1000), cost.predict(10_000)]).toEqual([2, 20, 20]);
});

test('is the mean at first, then a running average', () => {
  const cost = new CostEstimate();
  for (const ms of [99, 1, 2, 3]) cost.measured(10, ms);
  expect(cost.predict(10)).toBeCloseTo(2, 10);
  for (let i = 0; i < 30; i++) cost.measured(10, 2);
  cost.measured(10, 12);
  expect(cost.predict(10)).toBeCloseTo(3, 6);
});

test('fades while the phase is skipped, so that it is tried again', () => {
  const cost = new CostEstimate();
  cost.measured(10, 8);
  cost.measured(10, 8);
  let skips = 0;
  while (cost.predict(10)! > 4) {
    cost.skipped(10);
    skips++;
  }
  expect(skips).toBe(14);
});
