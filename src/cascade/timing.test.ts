import fc from 'fast-check';
import { expect, test } from 'vitest';
import { atPercentiles } from './timing.js';

test('percentiles are values that so many do not exceed', () => {
  expect(atPercentiles([4, 1, 3, 2])).toEqual({ p50: 2, p95: 4 });
  expect(atPercentiles([7])).toEqual({ p50: 7, p95: 7 });
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 50 }), (values) => {
      const { p50, p95 } = atPercentiles(values);
      for (const [value, share] of [
        [p50, 0.5],
        [p95, 0.95],
      ] as const) {
        expect(values).toContain(value);
        const within = (limit: number) => values.filter((one) => one <= limit).length / values.length;
        expect(within(value)).toBeGreaterThanOrEqual(share);
        expect(within(value - 1)).toBeLessThan(share);
      }
    }),
  );
});
