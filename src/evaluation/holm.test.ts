import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holm } from './holm.js';

/**
 * The closed test: a hypothesis falls when every set of hypotheses that holds it falls by Bonferroni, so that its p-value is the
 * largest of those of the sets.
 */
function byAllSets(pValues: number[]): number[] {
  return pValues.map((_, i) => {
    let largest = 0;
    for (let set = 0; set < 1 << pValues.length; set++) {
      if ((set & (1 << i)) === 0) continue;
      const inSet = pValues.filter((_, j) => (set & (1 << j)) !== 0);
      largest = Math.max(largest, Math.min(1, inSet.length * Math.min(...inSet)));
    }
    return largest;
  });
}

describe('holm', () => {
  it('is checked by hand: three times the smallest, twice the next, the last as it is, never falling', () => {
    expect(holm([0.04, 0.01, 0.03])).toEqual([0.06, 0.03, 0.06]);
  });

  it('is the closed test over all sets', () => {
    const pValue = fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000);
    fc.assert(
      fc.property(fc.array(pValue, { maxLength: 6 }), (pValues) => {
        const expected = byAllSets(pValues);
        for (const [i, value] of holm(pValues).entries()) expect(value).toBeCloseTo(expected[i]!, 12);
      }),
      { seed: 12 },
    );
  });

  it('refuses what is no p-value', () => {
    expect(() => holm([0.5, Number.NaN])).toThrow('p-value 1 is NaN');
  });
});
