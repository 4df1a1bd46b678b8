import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexPlan } from './index-plan.js';

describe('indexPlan', () => {
  it('lists the positions of each index, in order', () => {
    const { order, start, end } = indexPlan(Int32Array.of(2, 0, 2, 3), 4, 'rows');
    expect([...order]).toEqual([0, 2, 1, 3, 4]);
    expect([...start]).toEqual([0, 1, 1, 3]);
    expect([...end]).toEqual([1, 1, 3, 4]);
  });

  it('finds what a search finds', () => {
    const property = fc.property(fc.array(fc.nat(9), { maxLength: 60 }), (indices) => {
      const { order, start, end } = indexPlan(Int32Array.from(indices), 10, 'rows');
      for (let row = 0; row < 10; row++) {
        const found = indices.flatMap((index, position) => (index === row ? [position] : []));
        expect([...order.subarray(start[row]! + 1, end[row]! + 1)].map((at) => at - 1)).toEqual(found);
      }
    });
    fc.assert(property);
  });

  it.each([-1, 3, 2147483647])('refuses the index %i of 3 rows', (index) => {
    expect(() => indexPlan(Int32Array.of(0, 1, index), 3, 'pair.item')).toThrow(
      `pair.item[2] is ${index}, but there are 3 rows`,
    );
  });
});
