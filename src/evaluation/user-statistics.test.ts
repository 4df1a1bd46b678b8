import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auc } from './auc.js';
import { gauc } from './gauc.js';
import { logloss } from './logloss.js';
import { compactUsers, type Outcomes, selectOutcomes, userStatistic } from './user-statistics.js';

interface Row {
  user: number;
  logit: number;
  label: number;
  rank: number;
}

const USERS = 4;
const rows = fc.array(
  fc.record({
    user: fc.nat(USERS - 1),
    // Few distinct values, so that ties are common.
    logit: fc.constantFrom(-1, -0.5, 0, 0.5, 2),
    label: fc.constantFrom(0, 1),
    rank: fc.constantFrom(1, 2, 3, 5, Number.POSITIVE_INFINITY, Number.NaN),
  }),
  { maxLength: 25 },
);
const times = fc.array(fc.nat(3), { minLength: USERS, maxLength: USERS });

const outcomesOf = (list: Row[]): Outcomes => ({
  logits: Float32Array.from(list, ({ logit }) => logit),
  labels: Float32Array.from(list, ({ label }) => label),
  users: Int32Array.from(list, ({ user }) => user),
  userCount: USERS,
  ranks: Float64Array.from(
    list.filter(({ label }) => label === 1),
    ({ rank }) => rank,
  ),
});

/** Writes every user down as often as it counts, each time under a number of its own. */
function repeated(list: Row[], counts: number[]): Row[] {
  return counts.flatMap((count, user) =>
    Array.from({ length: count }, (_, copy) =>
      list.filter((row) => row.user === user).map((row) => ({ ...row, user: user * 10 + copy })),
    ).flat(),
  );
}

const BY_HAND: Record<string, (list: Row[]) => number | undefined> = {
  auc: (list) => auc(outcomesOf(list).logits, outcomesOf(list).labels),
  gauc: (list) => gauc(outcomesOf(list).logits, outcomesOf(list).labels, outcomesOf(list).users).value,
  logloss: (list) => logloss(outcomesOf(list).logits, outcomesOf(list).labels),
  'recall@2': (list) => meanOf(list.filter((row) => row.label === 1).map(({ rank }) => gain(rank, 2, rank / rank))),
  'mrr@5': (list) => meanOf(list.filter((row) => row.label === 1).map(({ rank }) => gain(rank, 5, 1 / rank))),
  'ndcg@3': (list) =>
    meanOf(list.filter((row) => row.label === 1).map(({ rank }) => gain(rank, 3, 1 / Math.log2(rank + 1)))),
};

/** What an item at a rank is worth: nothing beyond k; NaN where the rank is. */
const gain = (rank: number, k: number, worth: number) => (Number.isNaN(rank) || rank <= k ? worth : 0);

/** NaN is the rank of an item that was no candidate. */
function meanOf(all: number[]): number | undefined {
  const values = all.filter((value) => !Number.isNaN(value));
  return values.length === 0 ? undefined : values.reduce((a, b) => a + b) / values.length;
}

describe('userStatistic', () => {
  it.each(Object.keys(BY_HAND))('%s of users that count several times is that of a log that repeats them', (metric) => {
    fc.assert(
      fc.property(rows, times, (list, counts) => {
        const value = userStatistic(metric, outcomesOf(list))(Uint32Array.from(counts));
        const expected = BY_HAND[metric]!(repeated(list, counts));
        if (expected === undefined) expect(value).toBeUndefined();
        else expect(value).toBeCloseTo(expected, 10);
      }),
      { seed: 11, numRuns: 60 },
    );
  });

  it('refuses what it does not know', () => {
    const { ranks: _, ...unranked } = outcomesOf([{ user: 0, logit: 1, label: 1, rank: 1 }]);
    expect(() => userStatistic('accuracy', unranked)).toThrow('there is no metric "accuracy"');
    expect(() => userStatistic('recall@5', unranked)).toThrow('recall@5 needs ranks');
  });
});

describe('compactUsers and selectOutcomes', () => {
  it('numbers users as they come', () => {
    expect(compactUsers(Int32Array.of(7, 2, 7, 9))).toEqual({ users: Int32Array.of(0, 1, 0, 2), userCount: 3 });
  });

  it('keeps the ranks of the positives that stay', () => {
    const list = [
      { user: 0, logit: 1, label: 1, rank: 3 },
      { user: 1, logit: 2, label: 0, rank: 9 },
      { user: 2, logit: 3, label: 1, rank: 5 },
    ];
    expect(selectOutcomes(outcomesOf(list), Uint8Array.of(0, 1, 1))).toEqual({
      ...outcomesOf(list.slice(1)),
      ranks: Float64Array.of(5),
    });
  });
});
