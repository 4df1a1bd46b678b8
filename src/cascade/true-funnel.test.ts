import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Passage } from './collect.js';
import { funnels } from './testing/funnels.js';
import { trueFunnel } from './true-funnel.js';

const BOTH = { prerank: true, rank: true };
const HALVING = (place: number) => 0.5 ** place;

describe('trueFunnel', () => {
  it('says by hand what each phase loses', () => {
    const passage: Passage = {
      sizes: { retrieve: 4, prerank: 3, rank: 2 },
      retrieved: Int32Array.of(1, 2, 3, 4),
      preranked: Int32Array.of(4, 2, 1),
      ranked: Int32Array.of(1, 2, 4),
    };
    // Row 0 is no item. The best of all is 5, which is not retrieved; 3 is lost at pre-ranking, 4 at ranking.
    const truth = Float32Array.of(0, 0.125, 0.25, 0.625, 0.5, 0.75);
    const asked = { probabilities: () => truth, examination: HALVING };
    const found = trueFunnel(passage, [Int32Array.of(4, 1, 5)], asked, BOTH, [1, 2]);
    expect(found.places).toBe(2);
    expect(found.oracle).toEqual({ clicks: 0.75 + 0.625 / 2, relevance: 1.375 });
    expect(found.stages.map(({ best }) => best)).toEqual([
      { clicks: 0.625 + 0.5 / 2, relevance: 1.125 },
      { clicks: 0.5 + 0.25 / 2, relevance: 0.75 },
      { clicks: 0.25 + 0.125 / 2, relevance: 0.375 },
    ]);
    expect(found.stages.map(({ lost }) => lost.clicks)).toEqual([0.1875, 0.25, 0.3125]);
    expect(found.final.clicks).toBe(0.125 + 0.25 / 2);
    expect(found.lostByOrder).toBe(0.0625);
    // The log showed three; two places are compared.
    expect(found.logged).toEqual({ clicks: 0.5 + 0.125 / 2, relevance: 0.625 });
    // 5 and 3 are best in the corpus: retrieval hands on 3, the others neither.
    expect(found.stages.map(({ oracleKept }) => oracleKept)).toEqual([0.5, 0, 0]);
    expect(found.stages.map(({ ndcg }) => ndcg[1])).toEqual([0.125, 0.5, 0.125].map((gain) => gain / 0.75));
    const ideal = 0.75 + 0.625 / Math.log2(3);
    expect(found.stages[1]!.ndcg[2]).toBeCloseTo((0.5 + 0.25 / Math.log2(3)) / ideal, 12);
  });

  it('adds up, and what it calls best is the best of all lists', () => {
    const probability = fc.integer({ min: 1, max: 63 }).map((n) => n / 64);
    fc.assert(
      fc.property(
        funnels(),
        fc.array(fc.array(probability, { minLength: 9, maxLength: 9 }), { minLength: 4, maxLength: 4 }),
        ({ passage, relevant, ks }, all) => {
          const truths = all.map((values) => Float32Array.of(0, ...values));
          const asked = { probabilities: (q: number) => truths[q]!, examination: HALVING };
          const found = trueFunnel(passage, relevant, asked, BOTH, ks);
          const bestOf = (q: number, items: readonly number[]) =>
            Math.max(
              ...items.flatMap((a) => items.filter((b) => b !== a).map((b) => truths[q]![a]! + truths[q]![b]! / 2)),
            );
          const mean = (value: (q: number) => number) =>
            relevant.reduce((sum, _, q) => sum + value(q), 0) / relevant.length;
          const part = (list: Int32Array, n: number, q: number, items: number) => [
            ...list.subarray(q * n, q * n + items),
          ];
          const { retrieved, preranked, ranked } = passage;
          const corpus = [1, 2, 3, 4, 5, 6, 7, 8, 9];
          expect(found.oracle.clicks).toBeCloseTo(
            mean((q) => bestOf(q, corpus)),
            9,
          );
          const reached = [
            mean((q) => bestOf(q, part(retrieved, 6, q, 6))),
            mean((q) => bestOf(q, part(preranked, 4, q, 4))),
            mean((q) => bestOf(q, part(ranked, 4, q, 2))),
          ];
          found.stages.forEach(({ best, lost, ndcg }, s) => {
            expect(best.clicks).toBeCloseTo(reached[s]!, 9);
            expect(lost.clicks).toBeGreaterThanOrEqual(-1e-12);
            expect(lost.relevance).toBeGreaterThanOrEqual(-1e-12);
            for (const k of ks) expect(ndcg[k]).toBeLessThanOrEqual(1 + 1e-12);
          });
          expect(found.lostByOrder).toBeGreaterThanOrEqual(-1e-12);
          const lost = found.stages.reduce((sum, stage) => sum + stage.lost.clicks, found.lostByOrder);
          expect(lost + found.final.clicks).toBeCloseTo(found.oracle.clicks, 12);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('loses nothing where every phase knows the truth', () => {
    const passage: Passage = {
      sizes: { retrieve: 3, prerank: 2, rank: 1 },
      retrieved: Int32Array.of(3, 2, 1),
      preranked: Int32Array.of(3, 2),
      ranked: Int32Array.of(3, 2),
    };
    const asked = { probabilities: () => Float32Array.of(0, 0.1, 0.2, 0.3), examination: () => 1 };
    const found = trueFunnel(passage, [new Int32Array(0)], asked, BOTH, [1]);
    expect(found.stages.map(({ lost }) => lost.clicks)).toEqual([0, 0, 0]);
    expect(found.final).toEqual(found.oracle);
    expect(found.logged).toEqual({ clicks: 0, relevance: 0 });
  });
});
