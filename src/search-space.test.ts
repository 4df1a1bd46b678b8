import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from './random.js';
import { drawValue, searchSpace } from './search-space.js';

const draws = (range: Parameters<typeof drawValue>[0], count = 2000) => {
  const random = Random.of(1);
  return Array.from({ length: count }, () => drawValue(range, random));
};

describe('drawValue', () => {
  it('reaches both ends of whole numbers, as often as the others', () => {
    const counts = new Map<unknown, number>();
    for (const value of draws({ low: 2, high: 5, whole: true }, 4000)) counts.set(value, (counts.get(value) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual([2, 3, 4, 5]);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });

  it('finds as many values below the geometric middle as above on a logarithmic scale', () => {
    const values = draws({ low: 1e-4, high: 1e-2, scale: 'log' }) as number[];
    expect(Math.abs(values.filter((value) => value < 1e-3).length - 1000)).toBeLessThan(100);
  });

  it('stays within the range', () => {
    const bounds = fc.tuple(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 50 }),
      fc.boolean(),
      fc.integer(),
    );
    fc.assert(
      fc.property(bounds, fc.constantFrom('linear' as const, 'log' as const), ([low, more, whole, seed], scale) => {
        const value = drawValue({ low, high: low + more, whole, scale }, Random.of(seed)) as number;
        expect(value).toBeGreaterThanOrEqual(low);
        expect(value).toBeLessThanOrEqual(low + more);
        if (whole) expect(Number.isInteger(value)).toBe(true);
      }),
      { seed: 31 },
    );
  });

  it('chooses among values, and refuses what is no range', () => {
    expect(new Set(draws({ values: ['a', [1]] }, 50))).toEqual(new Set(['a', [1]]));
    expect(searchSpace.safeParse({ a: { low: 0, high: 1, scale: 'log' } }).success).toBe(false);
    expect(searchSpace.safeParse({ a: { low: 2, high: 1 } }).success).toBe(false);
  });
});
