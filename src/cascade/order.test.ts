import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bestPositions, take } from './order.js';

test('the best of each list come first, equal scores by lower item row', () => {
  const lists = Int32Array.of(9, 4, 7, 1, 2, 3);
  const scores = Float32Array.of(0.5, 0.5, 1, 0, 2, 1);
  const positions = bestPositions(lists, scores, 3, 2);
  expect([...positions]).toEqual([2, 1, 1, 2]);
  expect([...take(lists, 3, positions, 2)]).toEqual([7, 4, 2, 3]);
});

test('agrees with sorting pairs', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 4 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
      (n, requests, numbers) => {
        const scores = Float32Array.from({ length: n * requests }, () => numbers.next().value!);
        const lists = Int32Array.from({ length: n * requests }, (_, i) => (i * 7) % 64);
        const kept = Math.ceil(n / 2);
        const best = take(lists, n, bestPositions(lists, scores, n, kept), kept);
        for (let request = 0; request < requests; request++) {
          const pairs = Array.from({ length: n }, (_, i) => ({
            item: lists[request * n + i]!,
            score: scores[request * n + i]!,
          }));
          pairs.sort((a, b) => (a.score === b.score ? a.item - b.item : b.score - a.score));
          expect([...best.subarray(request * kept, (request + 1) * kept)]).toEqual(
            pairs.slice(0, kept).map(({ item }) => item),
          );
        }
      },
    ),
  );
});

test('a score that is not a number is refused', () => {
  expect(() => bestPositions(Int32Array.of(1, 2), Float32Array.of(1, Number.NaN), 2, 1)).toThrow('NaN');
});
