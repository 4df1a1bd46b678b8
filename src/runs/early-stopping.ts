import type { Dataset } from '../data/dataset.js';
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

/** Why no checkpoint can be chosen by this metric, where none can. */
export function metricProblem(metric: string, ks: readonly number[]): string | undefined {
  const known = [
    ...['auc', 'gauc', 'logloss', 'calibrationError'],
    ...['recall', 'ndcg', 'mrr', 'hitRate', 'precision'].flatMap((name) => ks.map((k) => `${name}@${k}`)),
  ];
  if (known.includes(metric)) return undefined;
  const cutOffs = metric.includes('@') ? ` The cut-offs are those of evaluation.ks: ${ks.join(', ')}` : '';
  return `there is no metric "${metric}" to choose by, ${didYouMean(metric, known)}${cutOffs}`;
}

/**
 * Refuses, before anything is trained, to choose by what the validation part, or the model, cannot tell.
 *
 * @param retrieves whether the model can
 * @throws CONFIG_INVALID
 */
export function checkDefined(
  metric: string,
  ks: readonly number[],
  { events, splits, label }: Dataset,
  retrieves: boolean,
): void {
  const labels = events.feedback.get(label);
  const { validation } = splits;
  if (metric.includes('@')) {
    if (!retrieves)
      throw undefinedMetric(metric, 'the model scores candidates one by one and cannot retrieve', ['auc']);
    if (labels === undefined || validation.length === 0 || validation.some((row) => labels[row]! > 0)) return;
    throw undefinedMetric(metric, `no event of the validation part has a positive ${label}`, ['logloss']);
  }
  if (metric !== 'auc' && metric !== 'gauc') return;
  const [first] = validation;
  if (labels === undefined || first === undefined || validation.some((row) => labels[row] !== labels[first])) return;
  const why = `the label ${label} is ${labels[first]} in every event of the validation part`;
  throw undefinedMetric(metric, why, retrieves && labels[first]! > 0 ? [`recall@${ks[0]}`, 'logloss'] : ['logloss']);
}

function metricValue({ metrics }: EvaluationResult, name: string): number {
  const metric = metrics[name]!; // metricProblem has let it pass.
  if (metric.value === undefined) throw undefinedMetric(name, metric.note, ['logloss']);
  return metric.value;
}

function undefinedMetric(metric: string, why: string, others: readonly string[]): TwoTowerError {
  return new TwoTowerError(
    'CONFIG_INVALID',
    `training.validation.metric: ${metric} is undefined: ${why}`,
    `Choose by another one: --set training.validation.metric=${others.join(', or ')}.`,
  );
}
