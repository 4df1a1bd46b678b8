import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../random.js';
import { calibration } from './calibration.js';

const logit = (p: number) => Math.log(p / (1 - p));

/** Sorts the rows, puts each into the bin of the middle of its ties, and averages bin by bin. */
function errorByBins(rows: { logit: number; label: number }[], bins: number): number {
  const sorted = rows.map((row) => row.logit).sort((a, b) => a - b);
  const members = new Map<number, { logit: number; label: number }[]>();
  for (const row of rows) {
    const middle = (sorted.indexOf(row.logit) + sorted.lastIndexOf(row.logit)) / 2;
    const bin = Math.floor((bins * middle) / rows.length);
    members.set(bin, [...(members.get(bin) ?? []), row]);
  }
  let error = 0;
  for (const bin of members.values()) {
    const gap = bin.reduce((sum, row) => sum + 1 / (1 + Math.exp(-row.logit)) - row.label, 0) / bin.length;
    error += (Math.abs(gap) * bin.length) / rows.length;
  }
  return error;
}

describe('calibration', () => {
  it('is checked by hand on four samples and two bins', () => {
    const logits = new Float64Array([0.8, 0.2, 0.6, 0.4].map(logit));
    const { error, ratio, bins } = calibration(logits, [1, 0, 1, 0], { bins: 2 });
    // Lower bin: mean prediction 0.3, mean label 0. Upper bin: 0.7 and 1.
    expect(error).toBeCloseTo(0.3, 14);
    expect(ratio).toBeCloseTo(1, 14);
    expect(bins.map(({ count, meanLabel }) => ({ count, meanLabel }))).toEqual([
      { count: 2, meanLabel: 0 },
      { count: 2, meanLabel: 1 },
    ]);
    expect(bins[0]!.meanPrediction).toBeCloseTo(0.3, 14);
    expect(bins[1]!.lowest).toBeCloseTo(0.6, 14);
    expect(bins[1]!.highest).toBeCloseTo(0.8, 14);
  });

  it('sees overprediction that the order hides: 0.5 promised, 0.25 found', () => {
    const { error, ratio, bins } = calibration(new Float32Array(4), [0, 0, 1, 0]);
    expect(error).toBe(0.25);
    expect(ratio).toBe(2);
    expect(bins).toEqual([{ count: 4, lowest: 0.5, highest: 0.5, meanPrediction: 0.5, meanLabel: 0.25 }]);
  });

  it('fills bins equally where predictions are distinct', () => {
    const logits = Float64Array.from({ length: 103 }, (_, i) => Math.sin(i));
    const { bins } = calibration(
      logits,
      logits.map(() => 0),
      { bins: 10 },
    );
    expect(bins).toHaveLength(10);
    for (const { count } of bins) expect([10, 11]).toContain(count);
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(103);
  });

  it('agrees with bin-by-bin averaging and does not depend on the order of the rows, ties included', () => {
    const row = fc.record({ logit: fc.integer({ min: -4, max: 4 }), label: fc.constantFrom(0, 1) });
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer(),
        (rows, bins, seed) => {
          const value = (list: typeof rows) =>
            calibration(
              Float64Array.from(list, (r) => r.logit),
              list.map(({ label }) => label),
              { bins },
            );
          const result = value(rows);
          expect(result.error).toBeCloseTo(errorByBins(rows, bins), 12);
          expect(value(Random.of(seed).shuffle(rows.slice()))).toEqual(result);
        },
      ),
      { seed: 2 },
    );
  });

  it('is nearly 0 when labels are drawn from the predictions', () => {
    const random = Random.of(3, 'calibration');
    const logits = Float32Array.from({ length: 50_000 }, () => random.normal());
    const labels = Uint8Array.from(logits, (z) => (random.uniform() < 1 / (1 + Math.exp(-z)) ? 1 : 0));
    const { error, ratio } = calibration(logits, labels);
    expect(error).toBeLessThan(0.015);
    expect(ratio).toBeCloseTo(1, 1);
    // The same order with logits too high by 1 is badly calibrated.
    const shifted = logits.map((z) => z + 1);
    expect(calibration(shifted, labels).error).toBeGreaterThan(0.15);
  });

  it('says undefined without samples or without positives', () => {
    expect(calibration(new Float32Array(), [])).toEqual({ error: undefined, ratio: undefined, bins: [] });
    expect(calibration(new Float32Array([0]), [0]).ratio).toBeUndefined();
  });

  it('refuses NaN, soft labels and no bins', () => {
    expect(() => calibration(new Float32Array([Number.NaN]), [1])).toThrow(/calibration: the score of row 0 is NaN/);
    expect(() => calibration(new Float32Array([0]), [0.5])).toThrow(/calibration: the label of row 0 is 0.5/);
    expect(() => calibration(new Float32Array([0]), [1], { bins: 0 })).toThrow(/bins .* at least 1, got 0/);
  });
});
