import { expect, test } from 'vitest';
import { settled } from './settle.js';

const rounds = (times: number[]) => {
  let at = 0;
  return async () => times[Math.min(at++, times.length - 1)]!;
};

test('goes on while rounds get faster', async () => {
  expect(await settled(rounds([10, 8, 6, 4, 2, 2, 2]), { most: 100, last: 2 })).toBe(7);
  // One slow round among the last ones is no sign that nothing is gained any more.
  expect(await settled(rounds([10, 8, 9, 5, 5, 5]), { most: 100, last: 2 })).toBe(6);
  expect(await settled(rounds([3, 3, 3, 3]), { most: 100, last: 3 })).toBe(4);
});

test('ends at the most', async () => {
  expect(await settled(rounds([9, 8, 7, 6, 5, 4, 3, 2, 1]), { most: 5, last: 2 })).toBe(5);
});
