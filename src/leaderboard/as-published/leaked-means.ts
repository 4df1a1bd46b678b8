import type { Dataset } from '../../data/dataset.js';
import { compactUsers, type Outcomes } from '../../evaluation/user-statistics.js';
import { fitLogistic, logitsOf } from './logistic-regression.js';
import type { LeakedMeans, PublishedRows } from './rows.js';

/** Means of exactly 0 and 1 have no finite log-odds. */
const NEAREST = 0.001;

/**
 * A logistic regression on the two leaked means and their log-odds, and on nothing else: what the leak alone gives. Fitted on the
 * training part.
 *
 * @returns its scores of the test part, in the order of the rows
 */
export function leakedMeansAlone(
  dataset: Dataset,
  { event, label, part, userMean, itemMean }: PublishedRows,
): Outcomes {
  const { user, item } = dataset.events;
  const columnsOf = (wanted: number) => {
    const at = Uint32Array.from(part.keys()).filter((row) => part[row] === wanted);
    const side = wanted === 2 ? 'test' : 'train';
    const means = (of: Int32Array, values: LeakedMeans) =>
      Float64Array.from(at, (row) => values[side][of[event[row]!]!]!);
    const own = [means(user, userMean), means(item, itemMean)];
    return { at, columns: [...own, ...own.map((values) => values.map(logOdds))] };
  };
  const fitted = columnsOf(0);
  const weights = fitLogistic(
    fitted.columns,
    Uint8Array.from(fitted.at, (row) => label[row]!),
  );
  const tested = columnsOf(2);
  return {
    logits: logitsOf(weights, tested.columns),
    labels: Float32Array.from(tested.at, (row) => label[row]!),
    ...compactUsers(Int32Array.from(tested.at, (row) => user[event[row]!]!)),
  };
}

function logOdds(share: number): number {
  const inside = Math.min(1 - NEAREST, Math.max(NEAREST, share));
  return Math.log(inside / (1 - inside));
}
