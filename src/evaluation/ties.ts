import { checkSameLength, type Scores, unusableLabel, unusableScore } from './checks.js';

/** The scores of each class, ascending. Everything that depends only on order and label can be read off these two. */
export interface ScoresByClass {
  negatives: Scores;
  positives: Scores;
}

/**
 * Splits scores by their label and sorts each class.
 * Two plain sorts without a comparator are several times faster than one sort of (score, label) pairs.
 *
 * @param scores [N], infinities allowed
 * @param labels [N], each 0 or 1
 * @throws TwoTowerError TRAIN_DIVERGED on NaN, DATA_VALUE on another label; RangeError on different lengths
 */
export function splitByClass(where: string, scores: Scores, labels: ArrayLike<number>): ScoresByClass {
  checkSameLength(where, { scores, labels });
  const count = scores.length;
  let positiveCount = 0;
  for (let row = 0; row < count; row++) {
    const label = labels[row]!;
    if (label === 1) positiveCount++;
    else if (label !== 0) throw unusableLabel(where, row, label, '0 or 1');
  }
  const ArrayOf = scores instanceof Float64Array ? Float64Array : Float32Array;
  const negatives = new ArrayOf(count - positiveCount);
  const positives = new ArrayOf(positiveCount);
  for (let row = 0, negative = 0, positive = 0; row < count; row++) {
    const score = scores[row]!;
    if (Number.isNaN(score)) throw unusableScore(where, row, score);
    if (labels[row] === 1) positives[positive++] = score;
    else negatives[negative++] = score;
  }
  return { negatives: negatives.sort(), positives: positives.sort() };
}

/**
 * Calls `visit` once per distinct score, ascending, with how many negatives and positives have it.
 * -0 and 0 are one score.
 */
export function forEachTie(
  { negatives, positives }: ScoresByClass,
  visit: (score: number, negativeCount: number, positiveCount: number) => void,
): void {
  let negative = 0;
  let positive = 0;
  while (negative < negatives.length || positive < positives.length) {
    const score =
      positive >= positives.length || (negative < negatives.length && negatives[negative]! <= positives[positive]!)
        ? negatives[negative]!
        : positives[positive]!;
    const firstNegative = negative;
    const firstPositive = positive;
    while (negative < negatives.length && negatives[negative] === score) negative++;
    while (positive < positives.length && positives[positive] === score) positive++;
    visit(score, negative - firstNegative, positive - firstPositive);
  }
}
