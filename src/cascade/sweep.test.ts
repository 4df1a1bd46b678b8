import fc from 'fast-check';
import { expect, test } from 'vitest';
import { markFrontier, usualLengths } from './sweep.js';

test('a point is on the frontier when none is as good for less or better for as much', () => {
  const point = fc.record({ ndcg: fc.integer({ min: 0, max: 5 }), flops: fc.integer({ min: 1, max: 5 }) });
  fc.assert(
    fc.property(fc.array(point, { minLength: 1, maxLength: 12 }), (points) => {
      const marked = markFrontier(points);
      expect(marked).toHaveLength(points.length);
      for (const one of marked) {
        const beaten = points.some(
          ({ ndcg, flops }) => (ndcg >= one.ndcg && flops < one.flops) || (ndcg > one.ndcg && flops === one.flops),
        );
        if (beaten) expect(one.frontier).toBe(false);
        // Of equal points one stands for all.
        const equals = marked.filter(({ ndcg, flops }) => ndcg === one.ndcg && flops === one.flops);
        if (!beaten) expect(equals.filter(({ frontier }) => frontier)).toHaveLength(1);
      }
    }),
  );
});

test('lengths are shares of the configured one, each once', () => {
  expect(usualLengths(500)).toEqual([50, 100, 200, 350, 500]);
  expect(usualLengths(2)).toEqual([1, 2]);
});
