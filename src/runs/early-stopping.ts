import { didYouMean, TwoTowerError } from '../errors.js';
import type { EvaluationResult } from '../evaluation/report.js';

/** Where the search for the best checkpoint stands; part of every checkpoint. */
export type Search = {
  best: { step: number; value: number } | null;
  /** Validations since the best one. */
  stale: number;
};

const LOWER_IS_BETTER = new Set(['logloss', 'calibrationError']);

/** Takes in one validation: the new state of the search and whether this one is the best. */
export function consider(
  search: Search,
  step: number,
  metric: string,
  result: EvaluationResult,
): { search: Search; improved: boolean } {
  const value = metricValue(result, metric);
  const sign = LOWER_IS_BETTER.has(metric) ? -1 : 1;
  const improved = search.best === null || sign * value > sign * search.best.value;
  return improved
    ? { search: { best: { step, value }, stale: 0 }, improved }
    : { search: { best: search.best, stale: search.stale + 1 }, improved };
}

/** @throws CONFIG_INVALID when no checkpoint can be chosen by this metric */
export function checkMetric(metric: string, ks: readonly number[]): void {
  const known = [
    ...['auc', 'gauc', 'logloss', 'calibrationError'],
    ...['recall', 'ndcg', 'mrr', 'hitRate', 'precision'].flatMap((name) => ks.map((k) => `${name}@${k}`)),
  ];
  if (known.includes(metric)) return;
  throw new TwoTowerError(
    'CONFIG_INVALID',
    `training.validation.metric: there is no metric "${metric}" to choose by, ${didYouMean(metric, known)}`,
    `Known: ${known.join(', ')}; the cut-offs are those of evaluation.ks.`,
  );
}

function metricValue({ metrics }: EvaluationResult, name: string): number {
  const metric = metrics[name]!; // checkMetric has let it pass.
  if (metric.value === undefined) {
    throw new TwoTowerError('CONFIG_INVALID', `training.validation.metric: ${name} is undefined: ${metric.note}`);
  }
  return metric.value;
}
