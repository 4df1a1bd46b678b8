import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rankingMetrics } from './ranking.js';
import { RankedRow, relevantRanks } from './ranks.js';

function permutations<T>(values: T[]): T[][] {
  if (values.length <= 1) return [values];
  return values.flatMap((value, i) => permutations(values.toSpliced(i, 1)).map((rest) => [value, ...rest]));
}

describe('relevantRanks', () => {
  it('counts the candidates with higher scores', () => {
    const { items, ranks } = relevantRanks(new Float32Array([0.1, 0.9, 0.5, 0.7]), { relevant: [0, 3] });
    expect([...items]).toEqual([3, 0]);
    expect([...ranks]).toEqual([2, 4]);
  });

  it('ranks every relevant item last for a constant score', () => {
    const { ranks } = relevantRanks(new Float32Array(10), { relevant: [0, 1] });
    expect([...ranks]).toEqual([9, 10]);
  });

  it('puts tied relevant items in order of rising gain', () => {
    const { items, ranks, gains } = relevantRanks(new Float32Array([1, 1, 1, 0]), { relevant: [0, 1], gains: [5, 2] });
    expect([...items]).toEqual([1, 0]);
    expect([...ranks]).toEqual([2, 3]);
    expect([...gains]).toEqual([2, 5]);
  });

  it('counts neither excluded items nor those outside the mask, relevant or not', () => {
    const scores = new Float32Array([5, 4, 3, 2, 1]);
    const { items, ranks, unavailable } = relevantRanks(scores, {
      relevant: [4, 0, 3],
      excluded: [0],
      candidates: new Uint8Array([1, 0, 1, 1, 1]),
    });
    expect([...items]).toEqual([3, 4]);
    expect([...ranks]).toEqual([2, 3]);
    expect(unavailable).toBe(1);
  });

  it('counts a repeated item once with its largest gain, and an item of gain 0 as not relevant', () => {
    const scores = new Float32Array([3, 2, 1]);
    const { items, ranks, gains } = relevantRanks(scores, { relevant: [1, 1, 0], gains: [1, 4, 0] });
    expect([...items]).toEqual([1]);
    expect([...ranks]).toEqual([2]);
    expect([...gains]).toEqual([4]);
  });

  it('yields the lowest value of every metric among all orders that the scores allow', () => {
    const list = fc.array(fc.record({ score: fc.integer({ min: 0, max: 2 }), gain: fc.nat(3) }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(list, fc.integer({ min: 1, max: 6 }), (rows, k) => {
        const { ranks, gains } = relevantRanks(
          Float32Array.from(rows, ({ score }) => score),
          { relevant: [...rows.keys()], gains: rows.map(({ gain }) => gain) },
        );
        const metrics = rankingMetrics(ranks, k, gains);
        if (rows.every(({ gain }) => gain === 0)) {
          expect(metrics).toBeUndefined();
          return;
        }
        const allowed = permutations(rows)
          .filter((order) => order.every(({ score }, i) => i === 0 || order[i - 1]!.score >= score))
          .map((order) => {
            const found = order.map(({ gain }, i) => ({ gain, rank: i + 1 })).filter(({ gain }) => gain > 0);
            return rankingMetrics(
              found.map(({ rank }) => rank),
              k,
              found.map(({ gain }) => gain),
            )!;
          });
        for (const name of ['recall', 'precision', 'ndcg', 'mrr', 'hitRate'] as const) {
          expect(metrics![name]).toBeCloseTo(Math.min(...allowed.map((values) => values[name])), 12);
        }
      }),
      { seed: 60, numRuns: 60 },
    );
  });

  it('is exact up to a limit, in blocks of any size', () => {
    const row = fc.array(fc.constantFrom(-Infinity, 0, 1, 2, Infinity), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        row,
        fc.array(fc.nat(39), { maxLength: 6 }),
        fc.nat(40),
        fc.integer({ min: 1, max: 40 }),
        (values, picks, cut, limit) => {
          const scores = Float32Array.from(values);
          const request = { relevant: picks.map((pick) => pick % values.length), excluded: [0] };
          const whole = relevantRanks(scores, request);
          const row = new RankedRow(scores.length, limit, request);
          row.push(scores.subarray(0, cut));
          row.push(scores.subarray(cut));
          const limited = row.result();
          expect(limited.items).toEqual(whole.items);
          expect(limited.ranks).toEqual(whole.ranks.map((rank) => (rank > limit ? Infinity : rank)));
        },
      ),
      { seed: 7 },
    );
  });

  it('refuses unknown items, bad gains, missing or surplus scores and NaN', () => {
    const scores = new Float32Array([1, 2]);
    expect(() => relevantRanks(scores, { relevant: [2] })).toThrow(/relevant item 2 is not one of the 2 items/);
    expect(() => relevantRanks(scores, { relevant: [1], gains: [-1] })).toThrow(/gain of item 1 is -1/);
    expect(() => relevantRanks(scores, { relevant: [1], gains: [] })).toThrow('1 relevant but 0 gains');
    expect(() => relevantRanks(new Float32Array([1, Number.NaN]), { relevant: [1] })).toThrow(/row 1 is NaN/);
    const row = new RankedRow(3, 1, { relevant: [0] });
    row.push(scores);
    expect(() => row.result()).toThrow(/2 scores pushed for 3 items/);
    expect(() => row.push(scores)).toThrow(/4 scores pushed for 3 items/);
  });
});
