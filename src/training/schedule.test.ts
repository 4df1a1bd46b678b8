import { expect, test } from 'vitest';
import { scheduleFactor, scheduleOptions } from './schedule.js';

const factors = (given: object, total: number) =>
  Array.from({ length: total }, (_, i) => scheduleFactor(scheduleOptions.parse(given), i + 1, total));

test('without options the rate is constant', () => {
  expect(factors({}, 3)).toEqual([1, 1, 1]);
});

test('warm-up rises linearly and reaches the full rate', () => {
  expect(factors({ warmup: 4 }, 6)).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
});

test('cosine falls from the end of the warm-up to its floor at the last step', () => {
  const found = factors({ warmup: 2, decay: 'cosine', floor: 0.1 }, 6);
  // A quarter, half, three quarters and all of half a turn, between 1 and 0.1.
  const at = (share: number) => 0.1 + (0.9 * (1 + Math.cos(Math.PI * share))) / 2;
  [0.5, 1, at(0.25), 0.55, at(0.75), 0.1].forEach((expected, i) => {
    expect(found[i]).toBeCloseTo(expected, 12);
  });
});

test('a warm-up longer than the training never ends, and steps beyond the last keep the floor', () => {
  expect(factors({ warmup: 10, decay: 'cosine' }, 3)).toEqual([0.1, 0.2, 0.3]);
  expect(scheduleFactor(scheduleOptions.parse({ decay: 'cosine', floor: 0.2 }), 50, 10)).toBeCloseTo(0.2, 12);
});
