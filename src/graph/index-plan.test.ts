import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexPlan, NOWHERE } from './index-plan.js';

describe('indexPlan', () => {
  it('lists the positions of each index, in order', () => {
    const { first, rest, repeated, start, end } = indexPlan(Int32Array.of(2, 0, 2, 3, 0, 2), 5, 'rows');
    expect([...first]).toEqual([2, 0, 1, 4, 0]);
    expect([...rest]).toEqual([0, 5, 3, 6]);
    expect([...repeated]).toEqual([0, 2]);
    expect([...start]).toEqual([0, 1]);
    expect([...end]).toEqual([1, 3]);
  });

  it('finds what a search finds', () => {
    const property = fc.property(fc.array(fc.nat(9), { maxLength: 60 }), (indices) => {
      const { first, rest, repeated, start, end } = indexPlan(Int32Array.from(indices), 10, 'rows');
      for (let row = 0; row < 10; row++) {
        const at = repeated.indexOf(row);
        const further = at < 0 ? [] : [...rest.subarray(start[at]! + 1, end[at]! + 1)];
        const found = indices.flatMap((index, position) => (index === row ? [position] : []));
        expect([first[row]!, ...further].filter((one) => one > 0).map((one) => one - 1)).toEqual(found);
        expect(at >= 0).toBe(found.length > 1);
      }
    });
    fc.assert(property);
  });

  it('leaves out what is nowhere', () => {
    const { first, rest, repeated, start, end } = indexPlan(
      Int32Array.of(NOWHERE, 2, NOWHERE, 0, 2, NOWHERE),
      4,
      'rows',
    );
    expect([[...first], [...rest], [...repeated], [...start], [...end]]).toEqual([[4, 0, 2, 0], [0, 5], [2], [0], [1]]);
  });

  it.each([-1, 3, 2147483647])('refuses the index %i of 3 rows', (index) => {
    expect(() => indexPlan(Int32Array.of(0, 1, index), 3, 'pair.item')).toThrow(
      `pair.item[2] is ${index}, but there are 3 rows`,
    );
  });
});
