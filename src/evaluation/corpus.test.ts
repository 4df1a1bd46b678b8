import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../random.js';
import { CorpusEvaluation } from './corpus.js';

const NAMES = ['recall', 'precision', 'ndcg', 'mrr', 'hitRate'] as const;

/** One request, by sorting the whole row: at equal scores the items that are not relevant come first. */
function bySorting(scores: Float32Array, relevant: number[], allowed: (item: number) => boolean, k: number) {
  const wanted = new Set(relevant.filter(allowed));
  if (wanted.size === 0) return undefined;
  const order = [...scores.keys()]
    .filter(allowed)
    .sort((a, b) => scores[b]! - scores[a]! || Number(wanted.has(a)) - Number(wanted.has(b)));
  const hits = order.slice(0, k).map((item) => Number(wanted.has(item)));
  const found = hits.reduce((a, b) => a + b, 0);
  const ideal = Array.from({ length: Math.min(k, wanted.size) }, (_, place) => 1 / Math.log2(place + 2));
  return {
    recall: found / wanted.size,
    precision: found / k,
    ndcg: hits.reduce((sum, hit, place) => sum + hit / Math.log2(place + 2), 0) / ideal.reduce((a, b) => a + b, 0),
    mrr: found === 0 ? 0 : 1 / (hits.indexOf(1) + 1),
    hitRate: Math.min(found, 1),
  };
}

describe('CorpusEvaluation', () => {
  it('is checked by hand on two requests', () => {
    const evaluation = new CorpusEvaluation({ items: 4, ks: [2, 1] });
    evaluation.add(new Float32Array([4, 3, 2, 1]), { relevant: [1] });
    evaluation.add(new Float32Array([4, 3, 2, 1]), { relevant: [0, 3] });
    const { at, ...counts } = evaluation.result();
    expect(counts).toEqual({ requestsCounted: 2, requestsTotal: 2, relevantCounted: 3, relevantUnavailable: 0 });
    expect(at.map(({ k }) => k)).toEqual([1, 2]);
    expect(at[0]!.metrics).toEqual({ recall: 0.25, precision: 0.5, ndcg: 0.5, mrr: 0.5, hitRate: 0.5 });
    const { ndcg, ...others } = at[1]!.metrics!;
    expect(others).toEqual({ recall: 0.75, precision: 0.5, mrr: 0.75, hitRate: 1 });
    expect(ndcg).toBeCloseTo((1 / Math.log2(3) + 1 / (1 + 1 / Math.log2(3))) / 2, 14);
  });

  it('gives a constant scorer nothing', () => {
    const evaluation = new CorpusEvaluation({ items: 100, ks: [20] });
    for (let item = 0; item < 100; item++) evaluation.add(new Float32Array(100), { relevant: [item] });
    expect(evaluation.result().at[0]!.metrics).toEqual({ recall: 0, precision: 0, ndcg: 0, mrr: 0, hitRate: 0 });
  });

  it('leaves out seen items, and drops and counts relevant ones that are no candidates', () => {
    const scores = new Float32Array([4, 3, 2, 1]);
    const evaluation = new CorpusEvaluation({ items: 4, ks: [1], candidates: new Uint8Array([1, 1, 1, 0]) });
    evaluation.add(scores, { relevant: [1, 3], excluded: [0] });
    evaluation.add(scores, { relevant: [0], excluded: [0] });
    evaluation.add(scores, { relevant: [3], candidates: new Uint8Array([0, 0, 0, 1]) });
    const { at, ...counts } = evaluation.result();
    expect(at[0]!.metrics!.recall).toBe(1);
    expect(counts).toEqual({ requestsCounted: 2, requestsTotal: 3, relevantCounted: 2, relevantUnavailable: 2 });
  });

  it('is undefined when no request has a relevant item', () => {
    const evaluation = new CorpusEvaluation({ items: 2, ks: [1] });
    evaluation.add(new Float32Array(2), { relevant: [] });
    expect(evaluation.result()).toEqual({
      at: [{ k: 1, metrics: undefined }],
      requestsCounted: 0,
      requestsTotal: 1,
      relevantCounted: 0,
      relevantUnavailable: 0,
    });
  });

  it('agrees with sorting every row, in blocks, with all requests open at once, ties and filters included', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 9 }),
        (seed, items, block) => {
          const random = Random.of(seed);
          const some = (chance: number) => [...Array(items).keys()].filter(() => random.uniform() < chance);
          const ks = [1, 3, 40];
          const mask = Uint8Array.from({ length: items }, () => Number(random.uniform() < 0.8));
          const requests = Array.from({ length: 4 }, () => ({
            scores: Float32Array.from({ length: items }, () => random.below(5)),
            relevant: some(0.2),
            excluded: some(0.2),
          }));

          const evaluation = new CorpusEvaluation({ items, ks, candidates: mask });
          const open = requests.map((request) => evaluation.open(request));
          for (let start = 0; start < items; start += block) {
            for (const [i, { scores }] of requests.entries()) open[i]!.push(scores.subarray(start, start + block));
          }
          for (const request of open) request.close();

          for (const { k, metrics } of evaluation.result().at) {
            const each = requests.flatMap(({ scores, relevant, excluded }) => {
              const allowed = (item: number) => mask[item] === 1 && !excluded.includes(item);
              return bySorting(scores, relevant, allowed, k) ?? [];
            });
            if (each.length === 0) expect(metrics).toBeUndefined();
            for (const name of each.length === 0 ? [] : NAMES) {
              const mean = each.reduce((sum, values) => sum + values[name], 0) / each.length;
              expect(metrics![name]).toBeCloseTo(mean, 12);
            }
          }
        },
      ),
      { seed: 3 },
    );
  });

  it('counts a request once and only when it is complete', () => {
    const evaluation = new CorpusEvaluation({ items: 2, ks: [1] });
    const open = evaluation.open({ relevant: [0] });
    open.push(new Float32Array(1));
    expect(() => open.close()).toThrow(/1 scores pushed for 2 items/);
    open.push(new Float32Array(1));
    open.close();
    expect(() => open.close()).toThrow(/closed twice/);
    expect(evaluation.result().requestsTotal).toBe(1);
  });

  it('refuses no k and bad ks', () => {
    expect(() => new CorpusEvaluation({ items: 2, ks: [] })).toThrow(/number of ks .* got 0/);
    expect(() => new CorpusEvaluation({ items: 2, ks: [0] })).toThrow(/k must be .* got 0/);
    expect(() => new CorpusEvaluation({ items: 0, ks: [1] })).toThrow(/items must be .* got 0/);
  });
});
