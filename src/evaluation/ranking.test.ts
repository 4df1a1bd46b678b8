import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rankingMetrics } from './ranking.js';

/** Walks down the list place by place, as the definitions are written. */
function byPlaces(list: number[], k: number) {
  const relevant = list.filter((gain) => gain > 0);
  const top = list.slice(0, k);
  const hits = top.filter((gain) => gain > 0).length;
  const gained = (gains: number[]) => gains.reduce((sum, gain, place) => sum + gain / Math.log2(place + 2), 0);
  const first = top.findIndex((gain) => gain > 0);
  return {
    recall: hits / relevant.length,
    precision: hits / k,
    ndcg: gained(top) / gained(relevant.sort((a, b) => b - a).slice(0, k)),
    mrr: first < 0 ? 0 : 1 / (first + 1),
    hitRate: hits > 0 ? 1 : 0,
  };
}

describe('rankingMetrics', () => {
  it('is checked by hand: relevant items at ranks 2, 3 and 7, k = 3', () => {
    const { ndcg, ...others } = rankingMetrics([2, 7, 3], 3)!;
    expect(others).toEqual({ recall: 2 / 3, precision: 2 / 3, mrr: 1 / 2, hitRate: 1 });
    // (1/log2 3 + 1/log2 4) / (1 + 1/log2 3 + 1/log2 4)
    expect(ndcg).toBeCloseTo((0.6309297535714574 + 0.5) / (1 + 0.6309297535714574 + 0.5), 14);
  });

  it('weighs graded gains: gain 3 at rank 2 and gain 1 at rank 1 against the other way round', () => {
    expect(rankingMetrics([2, 1], 2, [3, 1])!.ndcg).toBeCloseTo((1 + 3 / Math.log2(3)) / (3 + 1 / Math.log2(3)), 14);
    expect(rankingMetrics([1, 2], 2, [3, 1])!.ndcg).toBe(1);
  });

  it('is perfect when k relevant items fill k places, except for recall', () => {
    expect(rankingMetrics([1, 2, 3, 4], 2)).toEqual({ recall: 0.5, precision: 1, ndcg: 1, mrr: 1, hitRate: 1 });
  });

  it('is 0 when nothing is found, and undefined when nothing is relevant', () => {
    expect(rankingMetrics([11, Infinity], 10)).toEqual({ recall: 0, precision: 0, ndcg: 0, mrr: 0, hitRate: 0 });
    expect(rankingMetrics([], 10)).toBeUndefined();
  });

  it('agrees with a walk down the list', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 25 }), (list, k) => {
        const ranks = [...list.keys()].filter((place) => list[place]! > 0).map((place) => place + 1);
        const gains = ranks.map((rank) => list[rank - 1]!);
        const metrics = rankingMetrics(ranks, k, gains);
        if (ranks.length === 0) {
          expect(metrics).toBeUndefined();
          return;
        }
        const { ndcg, ...others } = byPlaces(list, k);
        expect(metrics).toMatchObject(others);
        expect(metrics!.ndcg).toBeCloseTo(ndcg, 12);
      }),
      { seed: 6 },
    );
  });

  it('refuses a bad k, rank or gain', () => {
    expect(() => rankingMetrics([1], 0)).toThrow(/k must be a whole number of at least 1, got 0/);
    expect(() => rankingMetrics([0], 1)).toThrow(/ranks start at 1, got 0/);
    expect(() => rankingMetrics([1], 1, [0])).toThrow(/above 0 and finite, got 0/);
    expect(() => rankingMetrics([1], 1, [1, 2])).toThrow('rankingMetrics: 1 ranks but 2 gains');
  });
});
