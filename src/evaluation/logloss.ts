import { checkSameLength, type Scores, unusableLabel, unusableScore } from './checks.js';

/**
 * Mean binary cross-entropy, in nats per sample: `softplus(z) - y z` with `softplus(z) = max(z, 0) + log1p(exp(-|z|))`,
 * which neither overflows nor rounds a confident mistake to infinity.
 *
 * @param logits [N], before the sigmoid, finite
 * @param labels [N], each in [0, 1]; soft labels are allowed
 * @returns undefined when there is no sample
 * @throws TwoTowerError TRAIN_DIVERGED on NaN or infinity, DATA_VALUE on another label; RangeError on different lengths
 */
export function logloss(logits: Scores, labels: ArrayLike<number>): number | undefined {
  checkSameLength('logloss', { logits, labels });
  const count = logits.length;
  let sum = 0;
  for (let row = 0; row < count; row++) {
    const logit = logits[row]!;
    const label = labels[row]!;
    if (!Number.isFinite(logit)) throw unusableScore('logloss', row, logit);
    if (!(label >= 0 && label <= 1)) throw unusableLabel('logloss', row, label, 'between 0 and 1');
    sum += sampleLogloss(logit, label);
  }
  return count === 0 ? undefined : sum / count;
}

/** The cross-entropy of one sample. */
export function sampleLogloss(logit: number, label: number): number {
  // max(z, 0) - y z, written as products of one sign so that a tiny loss is not the difference of two large numbers.
  return (logit > 0 ? (1 - label) * logit : -label * logit) + Math.log1p(Math.exp(-Math.abs(logit)));
}
