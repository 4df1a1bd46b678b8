import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../random.js';
import { auc } from './auc.js';

/** Looks at every (positive, negative) pair. */
function aucByPairs(scores: ArrayLike<number>, labels: ArrayLike<number>): number | undefined {
  let won = 0;
  let pairs = 0;
  for (let i = 0; i < scores.length; i++) {
    for (let j = 0; j < scores.length; j++) {
      if (labels[i] !== 1 || labels[j] !== 0) continue;
      pairs++;
      won += scores[i]! > scores[j]! ? 1 : scores[i] === scores[j] ? 0.5 : 0;
    }
  }
  return pairs === 0 ? undefined : won / pairs;
}

/** Few distinct scores, so that ties are common. */
const samples = fc.array(
  fc.record({
    score: fc.constantFrom(-Infinity, -2, -0.5, -0, 0, 1, 1.5, Infinity),
    label: fc.constantFrom(0, 1),
  }),
  { maxLength: 40 },
);

describe('auc', () => {
  it('counts won pairs: positives 0.8 and 0.35 against negatives 0.1 and 0.4 win 3 of 4', () => {
    expect(auc(new Float64Array([0.1, 0.4, 0.35, 0.8]), [0, 0, 1, 1])).toBe(0.75);
  });

  it('counts a tie as one half: 3 won and 1 tied of 4 pairs', () => {
    expect(auc(new Float32Array([1, 2, 2, 3]), [0, 0, 1, 1])).toBe(0.875);
  });

  it('is exactly 0.5 for a constant score, 1 and 0 for perfect and inverted ones', () => {
    expect(auc(new Float32Array(7).fill(3), [0, 1, 0, 0, 1, 0, 0])).toBe(0.5);
    expect(auc(new Float32Array([1, 2, 3]), [0, 0, 1])).toBe(1);
    expect(auc(new Float32Array([1, 2, 3]), [1, 0, 0])).toBe(0);
  });

  it('is undefined when a class is missing', () => {
    expect(auc(new Float32Array([1, 2]), [1, 1])).toBeUndefined();
    expect(auc(new Float32Array([1, 2]), [0, 0])).toBeUndefined();
    expect(auc(new Float32Array(), [])).toBeUndefined();
  });

  it('agrees with the count of all pairs, ties and infinities included', () => {
    fc.assert(
      fc.property(samples, (rows) => {
        const scores = Float32Array.from(rows, ({ score }) => score);
        const labels = rows.map(({ label }) => label);
        const expected = aucByPairs(scores, labels);
        const value = auc(scores, labels);
        if (expected === undefined) expect(value).toBeUndefined();
        else expect(value).toBeCloseTo(expected, 12);
      }),
      { seed: 1 },
    );
  });

  it('leaves its arguments as they were', () => {
    const scores = new Float32Array([3, 1, 2]);
    auc(scores, [0, 1, 1]);
    expect([...scores]).toEqual([3, 1, 2]);
  });

  it('is near 0.5 for 100,000 random scores', () => {
    const random = Random.of(7, 'auc');
    const scores = Float32Array.from({ length: 100_000 }, () => random.normal());
    const labels = Uint8Array.from({ length: 100_000 }, () => random.below(2));
    // The standard error is sqrt(1 / (12 * 50,000)) * sqrt(2) = 0.0018.
    expect(Math.abs(auc(scores, labels)! - 0.5)).toBeLessThan(0.008);
  });

  it('names the row of a NaN score or an unusable label', () => {
    expect(() => auc(new Float32Array([1, Number.NaN]), [0, 1])).toThrow(/auc: the score of row 1 is NaN/);
    expect(() => auc(new Float32Array([1, 2]), [0, 0.5])).toThrow(/auc: the label of row 1 is 0.5/);
    expect(() => auc(new Float32Array([1, 2]), [0])).toThrow('auc: 2 scores but 1 labels');
  });
});
