import fc from 'fast-check';
import type { Passage } from '../collect.js';

/** Some requests with lists that are cut out of each other in any order. */
export function funnels() {
  const request = fc
    .record({
      order: fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8], { minLength: 6, maxLength: 6 }),
      second: fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 4, maxLength: 4 }),
      third: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4, maxLength: 4 }),
      relevant: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 4 }),
    })
    .map(({ order, second, third, relevant }) => {
      const preranked = second.map((i) => order[i]!);
      return { retrieved: order, preranked, ranked: third.map((i) => preranked[i]!), relevant };
    });
  return fc
    .tuple(
      fc.array(request, { minLength: 1, maxLength: 4 }),
      fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1 }),
    )
    .filter(([requests]) => requests.some(({ relevant }) => relevant.length > 0))
    .map(([requests, ks]) => ({
      ks,
      relevant: requests.map(({ relevant }) => Int32Array.from(relevant)),
      passage: {
        sizes: { retrieve: 6, prerank: 4, rank: 2 },
        retrieved: Int32Array.from(requests.flatMap(({ retrieved }) => retrieved)),
        preranked: Int32Array.from(requests.flatMap(({ preranked }) => preranked)),
        ranked: Int32Array.from(requests.flatMap(({ ranked }) => ranked)),
      } satisfies Passage,
    }));
}
