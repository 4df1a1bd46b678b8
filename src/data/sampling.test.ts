import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../random.js';
import { appearanceLogQ, countItems, type ItemSampler, popularitySampler, uniformSampler } from './sampling.js';

/** Draws and compares every item's share with the probability the sampler claims, within five standard deviations. */
function expectDistribution(sampler: ItemSampler, items: number, draws = 40_000): void {
  const random = Random.of(11, 'draws');
  const seen = new Float64Array(items);
  for (let n = 0; n < draws; n++) seen[sampler.draw(random)]! += 1;
  for (let item = 0; item < items; item++) {
    const p = Math.exp(sampler.logProbability(item));
    const deviation = Math.sqrt(draws * p * (1 - p));
    expect(Math.abs(seen[item]! - draws * p), `item ${item}`).toBeLessThanOrEqual(5 * deviation);
  }
}

test('uniform: every known item alike, the unknown one never', () => {
  const sampler = uniformSampler(8);
  expectDistribution(sampler, 8);
  expect(sampler.logProbability(3)).toBeCloseTo(Math.log(1 / 7), 12);
  expect(sampler.logProbability(0)).toBe(-Infinity);
  expect(sampler.logProbability(8)).toBe(-Infinity);
});

test('popularity: probabilities by hand', () => {
  const sampler = popularitySampler([50, 1, 4, 0, 9], 0.5); // roots 1, 2, 3 of 6; row 0 is left out
  const probabilities = [0, 1, 2, 3, 4, 5].map((item) => Math.exp(sampler.logProbability(item)));
  [0, 1 / 6, 2 / 6, 0, 3 / 6, 0].forEach((p, item) => {
    expect(probabilities[item]).toBeCloseTo(p, 12);
  });
});

test('popularity: draws follow the claimed probabilities, which sum to one', () => {
  const counts = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 2, maxLength: 30 });
  fc.assert(
    fc.property(counts, fc.constantFrom(0, 0.5, 0.75, 1), (tail, alpha) => {
      const all = [3, ...tail];
      fc.pre(tail.some((count) => count > 0));
      const sampler = popularitySampler(all, alpha);
      const sum = all.reduce((total, _, item) => total + Math.exp(sampler.logProbability(item)), 0);
      expect(sum).toBeCloseTo(1, 10);
      expectDistribution(sampler, all.length, 4000);
    }),
    { seed: 5, numRuns: 40 },
  );
});

test('a catalogue with nothing to draw is refused', () => {
  expect(() => uniformSampler(1)).toThrow('no item to sample');
  expect(() => popularitySampler([5, 0, 0])).toThrow('no item to sample');
});

test('items are counted over the rows asked for', () => {
  expect([...countItems(Int32Array.of(1, 2, 2, 3, 2), Uint32Array.of(0, 1, 2, 3), 5)]).toEqual([0, 1, 2, 1, 0]);
});

/** Averages `sum over the batch's item table of value / exp(logq)` over many batches. */
function averageEstimate(repeated: boolean, sign = -1): { estimate: number; truth: number } {
  const items = 12;
  const counts = Uint32Array.from({ length: items }, (_, item) => (item === 0 ? 0 : 1 + item * item));
  const events = [...counts].flatMap((count, item) => Array<number>(count).fill(item));
  const value = (item: number) => 1 + (item % 3);
  const sampler = uniformSampler(items);
  const pairs = 20;
  const logQ = appearanceLogQ({ counts, pairs, negatives: { sampler, perBatch: 3 }, repeated });
  const batches = 20_000;
  let total = 0;
  for (let batch = 0; batch < batches; batch++) {
    const random = Random.of(3, 'batch', batch);
    // The first `pairs` of a shuffle are drawn without replacement.
    for (let i = 0; i < pairs; i++) {
      const j = i + random.below(events.length - i);
      [events[i], events[j]] = [events[j]!, events[i]!];
    }
    const table = [...events.slice(0, pairs), ...Array.from({ length: 3 }, () => sampler.draw(random))];
    for (const item of repeated ? table : new Set(table)) total += value(item) * Math.exp(sign * logQ(item));
  }
  let truth = 0;
  for (let item = 1; item < items; item++) truth += value(item);
  return { estimate: total / batches, truth };
}

test('weighting by exp(-logq) makes the batch an unbiased picture of the catalogue; the other sign does not', () => {
  for (const repeated of [false, true]) {
    const { estimate, truth } = averageEstimate(repeated);
    expect(Math.abs(estimate / truth - 1)).toBeLessThan(0.015);
    expect(Math.abs(averageEstimate(repeated, 1).estimate / truth - 1)).toBeGreaterThan(0.2);
  }
});

test('logq by hand: sizes, order and limits', () => {
  const counts = Uint32Array.of(0, 1, 9);
  const inBatch = appearanceLogQ({ counts, pairs: 5 });
  expect(inBatch(1)).toBeCloseTo(Math.log(0.5), 6);
  expect(inBatch(2)).toBeCloseTo(Math.log(1 - 0.5 ** 9), 6);
  expect(inBatch(0)).toBe(inBatch(1)); // Never seen in training counts as seen once.
  const rows = appearanceLogQ({ counts, pairs: 5, repeated: true });
  expect(rows(2)).toBeCloseTo(Math.log(4.5), 6);
  const whole = appearanceLogQ({ counts, pairs: 10 });
  expect(whole(1)).toBeCloseTo(0, 12);
  const sampler = uniformSampler(3);
  const both = appearanceLogQ({ counts, pairs: 5, negatives: { sampler, perBatch: 1 } });
  expect(both(1)).toBeCloseTo(Math.log(0.75), 6);
});
