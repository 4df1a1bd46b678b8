import { auc } from './auc.js';
import { calibration } from './calibration.js';
import type { Scores } from './checks.js';
import type { CorpusResult } from './corpus.js';
import { type GroupWeighting, gauc } from './gauc.js';
import { logloss } from './logloss.js';
import type { EvaluationResult, Metric } from './report.js';

const NO_SAMPLES = 'there are no samples';

/**
 * The metrics of labelled impressions: `auc`, `gauc`, `logloss`, `calibrationError` and `calibrationRatio`, with the
 * counts `samples`, `positives`, `users`.
 *
 * @param logits [N], finite
 * @param labels [N], each 0 or 1
 * @param users [N], the row of each sample's user
 * @throws as `auc`, `gauc`, `logloss` and `calibration`
 */
export function summarizeImpressions(
  logits: Scores,
  labels: ArrayLike<number>,
  users: Int32Array,
  options: { weighting?: GroupWeighting; bins?: number } = {},
): EvaluationResult {
  const area = auc(logits, labels);
  const byUser = gauc(logits, labels, users, options);
  const { error, ratio } = calibration(logits, labels, options);
  let positives = 0;
  for (let row = 0; row < labels.length; row++) positives += labels[row]!;

  const empty = logits.length === 0;
  const missing = empty
    ? NO_SAMPLES
    : positives === 0
      ? 'there are no positive samples'
      : 'there are no negative samples';
  return {
    metrics: {
      auc: metric(area, missing),
      gauc: metric(
        byUser.value,
        empty ? NO_SAMPLES : 'no user has both labels',
        `over the ${count(byUser.groupsCounted)} of ${count(byUser.groupsTotal)} users with both labels, ${
          options.weighting === 'equal' ? 'each weighing the same' : 'weighted by impressions'
        }`,
      ),
      logloss: metric(logloss(logits, labels), missing),
      calibrationError: metric(error, missing),
      calibrationRatio: metric(ratio, missing, 'mean prediction / mean label'),
    },
    counts: { samples: logits.length, positives, users: byUser.groupsTotal },
  };
}

/**
 * The metrics of a full-corpus evaluation: `recall@k`, `ndcg@k`, `mrr@k`, `hitRate@k` and `precision@k` for each k, with
 * the counts `requests`, `requestsWithRelevant`, `relevant` and `relevantUnavailable`.
 */
export function summarizeCorpus(result: CorpusResult): EvaluationResult {
  const why =
    result.requestsTotal === 0 ? 'there are no requests' : 'no request has a relevant item among its candidates';
  const metrics: Record<string, Metric> = {};
  for (const name of ['recall', 'ndcg', 'mrr', 'hitRate', 'precision'] as const) {
    for (const { k, metrics: values } of result.at) metrics[`${name}@${k}`] = metric(values?.[name], why);
  }
  return {
    metrics,
    counts: {
      requests: result.requestsTotal,
      requestsWithRelevant: result.requestsCounted,
      relevant: result.relevantCounted,
      relevantUnavailable: result.relevantUnavailable,
    },
  };
}

function metric(value: number | undefined, why: string, note?: string): Metric {
  if (value === undefined) return { value, note: why };
  return note === undefined ? { value } : { value, note };
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
