import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logloss } from './logloss.js';

describe('logloss', () => {
  it('is ln 2 for a logit of 0, whatever the label', () => {
    expect(logloss(new Float32Array([0, 0, 0]), [0, 1, 0.3])).toBeCloseTo(Math.LN2, 15);
  });

  it('averages -ln of the probability of what happened: 0.75 and 0.25 of two positives', () => {
    const logits = new Float64Array([Math.log(3), -Math.log(3)]);
    expect(logloss(logits, [1, 1])).toBeCloseTo((-Math.log(0.75) - Math.log(0.25)) / 2, 14);
  });

  it('is finite and exact for confident logits, right or wrong', () => {
    expect(logloss(new Float64Array([1000]), [0])).toBe(1000);
    expect(logloss(new Float64Array([-1000]), [1])).toBe(1000);
    expect(logloss(new Float64Array([40]), [1])).toBeCloseTo(Math.exp(-40), 30);
    expect(logloss(new Float64Array([-40]), [0])).toBeCloseTo(Math.exp(-40), 30);
  });

  it('agrees with the textbook formula where that one is accurate', () => {
    const row = fc.record({
      logit: fc.double({ min: -15, max: 15, noNaN: true }),
      label: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), (rows) => {
        const losses = rows.map(({ logit, label }) => {
          const p = 1 / (1 + Math.exp(-logit));
          return -label * Math.log(p) - (1 - label) * Math.log(1 - p);
        });
        const value = logloss(
          Float64Array.from(rows, ({ logit }) => logit),
          rows.map(({ label }) => label),
        );
        expect(value).toBeCloseTo(losses.reduce((a, b) => a + b) / rows.length, 8);
      }),
      { seed: 5 },
    );
  });

  it('is undefined without samples', () => {
    expect(logloss(new Float32Array(), [])).toBeUndefined();
  });

  it('names the row of an unusable logit or label', () => {
    expect(() => logloss(new Float32Array([0, Infinity]), [1, 1])).toThrow(/logloss: the score of row 1 is Infinity/);
    expect(() => logloss(new Float32Array([Number.NaN]), [1])).toThrow(/logloss: the score of row 0 is NaN/);
    expect(() => logloss(new Float32Array([0]), [1.5])).toThrow(/logloss: the label of row 0 is 1.5/);
    expect(() => logloss(new Float32Array([0]), [])).toThrow('logloss: 1 logits but 0 labels');
  });
});
