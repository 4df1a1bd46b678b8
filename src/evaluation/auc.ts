import type { Scores } from './checks.js';
import { forEachTie, type ScoresByClass, splitByClass } from './ties.js';

/**
 * Area under the ROC curve: the share of (positive, negative) pairs in which the positive has the higher score, a tie
 * counting one half. It is the Mann-Whitney statistic with mid-ranks (Hanley and McNeil, 1982), so a constant score gives
 * exactly 0.5. O(N log N) time, one copy of the scores.
 *
 * @param scores [N], any monotone scale (logits or probabilities); infinities are ordered, NaN is refused
 * @param labels [N], each 0 or 1
 * @returns undefined when one class is missing
 * @throws TwoTowerError TRAIN_DIVERGED on NaN, DATA_VALUE on another label; RangeError on different lengths
 */
export function auc(scores: Scores, labels: ArrayLike<number>): number | undefined {
  return aucOfClasses(splitByClass('auc', scores, labels));
}

/** `auc` of scores that are already split by class and sorted ascending. */
export function aucOfClasses(classes: ScoresByClass): number | undefined {
  const pairs = classes.negatives.length * classes.positives.length;
  if (pairs === 0) return undefined;
  // Twice the number of pairs won is a whole number, so the sum is exact up to 2^53.
  let negativesBelow = 0;
  let twiceWon = 0;
  forEachTie(classes, (_, negativeCount, positiveCount) => {
    twiceWon += positiveCount * (2 * negativesBelow + negativeCount);
    negativesBelow += negativeCount;
  });
  return twiceWon / (2 * pairs);
}
