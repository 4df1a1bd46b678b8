import { checkWhole, type Scores } from './checks.js';
import { forEachTie, splitByClass } from './ties.js';

/** One bin of a reliability diagram. */
export interface CalibrationBin {
  /** Samples in the bin, at least one. */
  count: number;
  /** Lowest and highest predicted probability in the bin. */
  lowest: number;
  highest: number;
  meanPrediction: number;
  meanLabel: number;
}

export interface Calibration {
  /** Expected calibration error, the mean of |mean prediction - mean label| over samples; undefined without samples. */
  error: number | undefined;
  /** Mean prediction / mean label: 1 is right, 2 promises twice the clicks; undefined without positives. */
  ratio: number | undefined;
  /** Ascending by prediction. */
  bins: CalibrationBin[];
}

/**
 * How far predicted probabilities are from observed rates, over bins of equal mass (Naeini et al., 2015; equal mass after
 * Nguyen and O'Connor, 2015). Samples of one prediction are never parted: they go to the bin of their middle position,
 * so the result does not depend on the order of the rows. Where predictions tie, fewer and unequal bins come back.
 *
 * @param logits [N], before the sigmoid
 * @param labels [N], each 0 or 1
 * @param options.bins 15 unless told
 * @throws TwoTowerError TRAIN_DIVERGED on NaN, DATA_VALUE on another label; RangeError on different lengths or no bins
 */
export function calibration(logits: Scores, labels: ArrayLike<number>, options: { bins?: number } = {}): Calibration {
  const binCount = options.bins ?? 15;
  checkWhole('calibration', 'bins', binCount, 1);
  const total = logits.length;
  const classes = splitByClass('calibration', logits, labels);

  const bins: {
    index: number;
    count: number;
    predicted: number;
    positives: number;
    lowest: number;
    highest: number;
  }[] = [];
  let before = 0;
  forEachTie(classes, (logit, negativeCount, positiveCount) => {
    const prediction = sigmoid(logit);
    const count = negativeCount + positiveCount;
    const index = Math.floor((binCount * (before + (count - 1) / 2)) / total);
    let bin = bins.at(-1);
    if (bin === undefined || bin.index !== index) {
      bin = { index, count: 0, predicted: 0, positives: 0, lowest: prediction, highest: prediction };
      bins.push(bin);
    }
    bin.count += count;
    bin.predicted += count * prediction;
    bin.positives += positiveCount;
    bin.highest = prediction;
    before += count;
  });

  let gaps = 0;
  let predicted = 0;
  for (const bin of bins) {
    gaps += Math.abs(bin.predicted - bin.positives);
    predicted += bin.predicted;
  }
  return {
    error: total === 0 ? undefined : gaps / total,
    ratio: classes.positives.length === 0 ? undefined : predicted / classes.positives.length,
    bins: bins.map(({ count, lowest, highest, predicted, positives }) => ({
      count,
      lowest,
      highest,
      meanPrediction: predicted / count,
      meanLabel: positives / count,
    })),
  };
}

function sigmoid(logit: number): number {
  return logit >= 0 ? 1 / (1 + Math.exp(-logit)) : Math.exp(logit) / (1 + Math.exp(logit));
}
