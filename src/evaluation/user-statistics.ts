import { aucOfClasses } from './auc.js';
import { checkSameLength, type Scores } from './checks.js';
import { sampleLogloss } from './logloss.js';
import { rankingMetrics } from './ranking.js';
import { splitByClass } from './ties.js';

/**
 * A figure as it would be if user u counted `times[u]` times; undefined where it has no value then. All ones give the figure
 * itself. It is what a bootstrap over users asks.
 */
export type UserStatistic = (times: Uint32Array) => number | undefined;

/** What a model made of a part of the log: enough for every metric of it. */
export interface Outcomes {
  /** [N] logits of the exposures. */
  logits: Float32Array;
  /** [N], each 0 or 1. */
  labels: Float32Array;
  /** [N] the user of each exposure, 0 to `userCount` - 1. */
  users: Int32Array;
  userCount: number;
  /**
   * [positives], in their order: the place of the item among all items, 1 = best; Infinity beyond the largest k that was asked,
   * NaN where the item is no candidate and the request does not count.
   */
  ranks?: Float64Array;
}

/** Rows of any numbers as 0, 1, 2, … in the order they are met. */
export function compactUsers(rows: Int32Array): { users: Int32Array; userCount: number } {
  const known = new Map<number, number>();
  const users = rows.map((row) => {
    const before = known.get(row);
    if (before !== undefined) return before;
    known.set(row, known.size);
    return known.size - 1;
  });
  return { users, userCount: known.size };
}

/** The exposures for which `keep` is 1, with the same numbers for users. */
export function selectOutcomes(outcomes: Outcomes, keep: Uint8Array): Outcomes {
  const { logits, labels, users, userCount, ranks } = outcomes;
  checkSameLength('selectOutcomes', { logits, keep });
  const positives = keep.filter((_, row) => labels[row]! > 0);
  return {
    logits: logits.filter((_, row) => keep[row] === 1),
    labels: labels.filter((_, row) => keep[row] === 1),
    users: users.filter((_, row) => keep[row] === 1),
    userCount,
    ...(ranks && { ranks: ranks.filter((_, i) => positives[i] === 1) }),
  };
}

/**
 * The metric of that name, as `evaluate` names them, by users: `auc`, `gauc`, `logloss`, and with ranks `recall@k`, `ndcg@k`,
 * `mrr@k`, `hitRate@k`, `precision@k`.
 *
 * @throws RangeError on another name, or a ranking metric without ranks
 */
export function userStatistic(metric: string, { logits, labels, users, userCount, ranks }: Outcomes): UserStatistic {
  if (metric === 'auc') return aucOfUsers(logits, labels, users);
  if (metric === 'gauc') return gaucOfUsers(logits, labels, users, userCount);
  if (metric === 'logloss') {
    const losses = Float64Array.from(logits, (logit, row) => sampleLogloss(logit, labels[row]!));
    return meanOfUsers(losses, users, userCount);
  }
  const [, name, k] = /^(recall|ndcg|mrr|hitRate|precision)@(\d+)$/.exec(metric) ?? [];
  if (name === undefined) throw new RangeError(`userStatistic: there is no metric "${metric}"`);
  if (ranks === undefined) throw new RangeError(`userStatistic: ${metric} needs ranks`);
  const owners = users.filter((_, row) => labels[row]! > 0);
  const values = ranks.map((rank) => {
    return Number.isNaN(rank) ? rank : rankingMetrics([rank], Number(k))![name as 'recall'];
  });
  return meanOfUsers(values, owners, userCount);
}

/** Sum of `numerator` over sum of `denominator`, both by user; undefined where the latter is 0. */
export function ratioOfUsers(numerator: Float64Array, denominator: Float64Array): UserStatistic {
  return (times) => {
    let above = 0;
    let below = 0;
    for (let user = 0; user < numerator.length; user++) {
      above += times[user]! * numerator[user]!;
      below += times[user]! * denominator[user]!;
    }
    return below === 0 ? undefined : above / below;
  };
}

/** The mean of what is not NaN. */
function meanOfUsers(values: Float64Array, users: Int32Array, userCount: number): UserStatistic {
  checkSameLength('meanOfUsers', { values, users });
  const sums = new Float64Array(userCount);
  const counts = new Float64Array(userCount);
  for (let row = 0; row < values.length; row++) {
    if (Number.isNaN(values[row]!)) continue;
    sums[users[row]!]! += values[row]!;
    counts[users[row]!]! += 1;
  }
  return ratioOfUsers(sums, counts);
}

/** GAUC weighted by impressions: a user that counts twice is two users. */
function gaucOfUsers(scores: Scores, labels: Float32Array, users: Int32Array, userCount: number): UserStatistic {
  const rows: number[][] = Array.from({ length: userCount }, () => []);
  for (let row = 0; row < users.length; row++) rows[users[row]!]!.push(row);
  const weighted = new Float64Array(userCount);
  const weights = new Float64Array(userCount);
  for (const [user, own] of rows.entries()) {
    const part = Float32Array.from(own, (row) => scores[row]!);
    const value = aucOfClasses(
      splitByClass(
        'gauc',
        part,
        own.map((row) => labels[row]!),
      ),
    );
    if (value === undefined) continue;
    weighted[user] = value * own.length;
    weights[user] = own.length;
  }
  return ratioOfUsers(weighted, weights);
}

/** The scores are sorted once; each call is one pass over them. */
function aucOfUsers(scores: Scores, labels: Float32Array, users: Int32Array): UserStatistic {
  checkSameLength('auc', { scores, labels, users });
  const order = Uint32Array.from(scores, (_, row) => row).sort((a, b) => scores[a]! - scores[b]!);
  const owner = Int32Array.from(order, (row) => users[row]!);
  const positive = Uint8Array.from(order, (row) => labels[row]!);
  const lastOfTie = Uint8Array.from(order, (row, i) => Number(scores[row] !== scores[order[i + 1]!]));
  return (times) => {
    let [negatives, positives, twiceWon, tiedNegatives, tiedPositives] = [0, 0, 0, 0, 0];
    for (let i = 0; i < owner.length; i++) {
      // Which class comes next cannot be foreseen, and a branch on it would cost more than both sums.
      const count = times[owner[i]!]!;
      const counted = count * positive[i]!;
      tiedPositives += counted;
      tiedNegatives += count - counted;
      if (lastOfTie[i] === 0) continue;
      twiceWon += tiedPositives * (2 * negatives + tiedNegatives);
      negatives += tiedNegatives;
      positives += tiedPositives;
      tiedNegatives = 0;
      tiedPositives = 0;
    }
    return negatives * positives === 0 ? undefined : twiceWon / (2 * negatives * positives);
  };
}
