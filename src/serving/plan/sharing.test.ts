import { expect, test } from 'vitest';
import { stretch } from './sharing.js';

test('who has a core to itself takes no longer', () => {
  expect(stretch(2, [])).toBe(1);
  expect(stretch(2, [1])).toBe(1);
  expect(stretch(3, [0.9, 1])).toBe(1);
});

test('who shares takes as much longer as its share is smaller', () => {
  // Always three threads on two cores; half of the time two on one.
  expect(stretch(2, [1, 1])).toBeCloseTo(1.5, 12);
  expect(stretch(1, [0.5])).toBeCloseTo(1 / 0.75, 12);
  // Both others want a core a quarter of the time.
  expect(stretch(2, [0.5, 0.5])).toBeCloseTo(1 / (0.75 + 0.25 * (2 / 3)), 12);
  expect(stretch(2, [7, 7])).toBeCloseTo(1.5, 12);
});
