import { aucOfClasses } from './auc.js';
import { checkSameLength, type Scores, unusableLabel, unusableScore } from './checks.js';

/**
 * How the AUCs of the groups are averaged: `impressions` weighs a group by its number of samples, `equal` gives every
 * group the same weight.
 */
export type GroupWeighting = 'impressions' | 'equal';

export interface GroupAuc {
  /** Mean AUC of the groups that have both labels; undefined when none has. */
  value: number | undefined;
  /** Groups with both labels: only these count. */
  groupsCounted: number;
  /** Groups with at least one sample. */
  groupsTotal: number;
  /** Samples that belong to the counted groups. */
  samplesCounted: number;
}

/**
 * GAUC: the AUC within each group (a user, as a rule), averaged over the groups that have both labels. Weighing by
 * impressions is how the field reports it (Zhu et al., "Optimized Cost per Click in Taobao Display Advertising", KDD 2017;
 * Zhou et al., "Deep Interest Network", KDD 2018). A score that depends on the user alone gives exactly 0.5. Ties count
 * one half, as in `auc`.
 *
 * @param scores [N], infinities are ordered, NaN is refused
 * @param labels [N], each 0 or 1
 * @param groups [N], the row of each sample's user; memory is 8 bytes per row number up to the largest
 * @throws TwoTowerError TRAIN_DIVERGED on NaN, DATA_VALUE on another label; RangeError on different lengths or a negative row
 */
export function gauc(
  scores: Scores,
  labels: ArrayLike<number>,
  groups: Int32Array,
  options: { weighting?: GroupWeighting } = {},
): GroupAuc {
  const weighting = options.weighting ?? 'impressions';
  const { grouped, starts, firstPositives } = groupScores(scores, labels, groups);

  let groupsCounted = 0;
  let groupsTotal = 0;
  let samplesCounted = 0;
  let weighted = 0;
  let weights = 0;
  for (let group = 0; group < firstPositives.length; group++) {
    const start = starts[group]!;
    const middle = firstPositives[group]!;
    const end = starts[group + 1]!;
    if (start === end) continue;
    groupsTotal++;
    if (start === middle || middle === end) continue;
    const value = aucOfClasses({
      negatives: grouped.subarray(start, middle).sort(),
      positives: grouped.subarray(middle, end).sort(),
    })!;
    const weight = weighting === 'impressions' ? end - start : 1;
    groupsCounted++;
    samplesCounted += end - start;
    weighted += weight * value;
    weights += weight;
  }
  return { value: weights === 0 ? undefined : weighted / weights, groupsCounted, groupsTotal, samplesCounted };
}

/**
 * A counting sort by group and label: group g holds its negatives at [starts[g], firstPositives[g]) and its positives at
 * [firstPositives[g], starts[g + 1]).
 */
function groupScores(scores: Scores, labels: ArrayLike<number>, groups: Int32Array) {
  checkSameLength('gauc', { scores, labels, groups });
  const count = scores.length;
  let groupCount = 0;
  for (let row = 0; row < count; row++) {
    const group = groups[row]!;
    if (group < 0) throw new RangeError(`gauc: the group of row ${row} is ${group}, but groups are rows from 0 up`);
    if (group >= groupCount) groupCount = group + 1;
  }

  const starts = new Int32Array(groupCount + 1);
  const firstPositives = new Int32Array(groupCount);
  for (let row = 0; row < count; row++) {
    const score = scores[row]!;
    const label = labels[row]!;
    if (Number.isNaN(score)) throw unusableScore('gauc', row, score);
    if (label === 0) firstPositives[groups[row]!]!++;
    else if (label !== 1) throw unusableLabel('gauc', row, label, '0 or 1');
    starts[groups[row]! + 1]!++;
  }
  for (let group = 0; group < groupCount; group++) {
    starts[group + 1]! += starts[group]!;
    firstPositives[group]! += starts[group]!;
  }

  const nextNegative = starts.slice(0, groupCount);
  const nextPositive = firstPositives.slice();
  const grouped = scores instanceof Float64Array ? new Float64Array(count) : new Float32Array(count);
  for (let row = 0; row < count; row++) {
    const next = labels[row] === 1 ? nextPositive : nextNegative;
    const group = groups[row]!;
    grouped[next[group]!] = scores[row]!;
    next[group]!++;
  }
  return { grouped, starts, firstPositives };
}
