import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Passage } from './collect.js';
import { funnelMetrics, ndcgCeiling, ndcgOf } from './funnel-metrics.js';
import { funnels } from './testing/funnels.js';

const BOTH = { prerank: true, rank: true };

/** One request: 4 of the items 1…9 are retrieved, 3 pre-ranked, 2 shown. */
const PASSAGE: Passage = {
  sizes: { retrieve: 4, prerank: 3, rank: 2 },
  retrieved: Int32Array.of(1, 2, 3, 4),
  preranked: Int32Array.of(4, 2, 1),
  ranked: Int32Array.of(2, 1, 4),
  oracle: Int32Array.of(3, 2, 1, 4),
};

describe('funnelMetrics', () => {
  it('follows relevant items through the phases', () => {
    // 3 is lost at pre-ranking, 4 at ranking, 9 was never retrieved.
    const metrics = funnelMetrics(PASSAGE, [Int32Array.of(2, 3, 4, 9)], BOTH, [2]);
    expect(metrics.relevant).toBe(4);
    expect(metrics.irretrievable).toBe(1);
    expect(metrics.stages.map(({ phase, recall, lost }) => [phase, recall, lost])).toEqual([
      ['retrieve', 0.75, 1],
      ['prerank', 0.5, 1],
      ['rank', 0.25, 1],
    ]);
    expect(metrics.kept).toBe(1);
    // The ranker's first two of what was retrieved are 3 and 2; pre-ranking and the list shown hold only 2.
    expect(metrics.stages.map(({ agreement }) => agreement?.[2])).toEqual([undefined, 0.5, 0.5]);
    // 2 stands first at the end: gain 1 of an ideal 1 + 1/log2(3).
    expect(metrics.stages[2]!.ndcg[2]).toBeCloseTo(1 / (1 + 1 / Math.log2(3)), 12);
    expect(metrics.ceiling).toEqual({ recall: 0.75, ndcg: { 2: 1 } });
  });

  it('does not count requests without a relevant item, and says so where none has one', () => {
    const twice: Passage = {
      sizes: PASSAGE.sizes,
      retrieved: Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      preranked: Int32Array.of(4, 2, 1, 5, 6, 7),
      ranked: Int32Array.of(2, 1, 4, 7, 6, 5),
    };
    const metrics = funnelMetrics(twice, [new Int32Array(0), Int32Array.of(7)], BOTH, [1]);
    expect(metrics.requests).toBe(1);
    expect(metrics.stages.at(-1)!.ndcg[1]).toBe(1);
    expect(funnelMetrics(PASSAGE, [new Int32Array(0)], BOTH, [1]).stages[0]!.recall).toBeNaN();
  });

  it('adds up, stays below its ceiling, and agrees with counting by hand', () => {
    fc.assert(
      fc.property(funnels(), ({ passage, relevant, ks }) => {
        const metrics = funnelMetrics(passage, relevant, BOTH, ks);
        const { sizes } = passage;
        const counted = relevant.flatMap((items, q) => (items.length > 0 ? [q] : []));
        const cuts = [
          { lists: passage.retrieved, n: sizes.retrieve, kept: sizes.retrieve },
          { lists: passage.preranked, n: sizes.prerank, kept: sizes.prerank },
          { lists: passage.ranked, n: sizes.prerank, kept: sizes.rank },
        ];
        const through = cuts.map(({ lists, n, kept }) =>
          counted.map((q) => {
            let hits = 0;
            for (let i = 0; i < kept; i++) if (relevant[q]!.includes(lists[q * n + i]!)) hits++;
            return hits;
          }),
        );
        const lost = metrics.stages.reduce((sum, stage) => sum + stage.lost, 0);
        expect(lost + metrics.kept).toBe(metrics.relevant);
        metrics.stages.forEach((stage, s) => {
          const shares = counted.map((q, i) => through[s]![i]! / relevant[q]!.length);
          expect(stage.recall).toBeCloseTo(shares.reduce((a, b) => a + b, 0) / counted.length, 9);
          expect(stage.recall).toBeLessThanOrEqual(metrics.ceiling.recall + 1e-12);
          for (const k of ks) expect(stage.ndcg[k]!).toBeLessThanOrEqual(metrics.ceiling.ndcg[k]! + 1e-12);
        });
        expect(metrics.ceiling.recall).toBeCloseTo(metrics.stages[0]!.recall, 12);
      }),
      { numRuns: 60 },
    );
  });
});

describe('the ceiling of NDCG', () => {
  it('is what the best of all orders of the retrieved items reaches', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 4 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 5 }),
        (retrieved, relevant, k) => {
          const wanted = Int32Array.from(relevant);
          const best = Math.max(...orders(retrieved).map((order) => ndcgOf(Int32Array.from(order), wanted, k)));
          const found = retrieved.filter((item) => relevant.includes(item)).length;
          expect(ndcgCeiling(found, relevant.length, k)).toBeCloseTo(best, 12);
        },
      ),
    );
  });
});

function orders(values: number[]): number[][] {
  if (values.length <= 1) return [values];
  return values.flatMap((value) => orders(values.filter((other) => other !== value)).map((rest) => [value, ...rest]));
}
