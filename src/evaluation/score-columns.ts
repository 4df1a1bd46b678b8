import type { Dataset } from '../data/dataset.js';
import { labelsOf } from './evaluate.js';
import { summarizeImpressions } from './summary.js';
import { compactUsers, type Outcomes } from './user-statistics.js';

/**
 * What the score columns of a log make of a part of it: another system's logits, or those of the truth in a generated log. A
 * column without a finite score for every exposure is left out, and so are all where the label is not 0 or 1.
 */
export function scoreColumns(dataset: Dataset, rows: Uint32Array): { name: string; outcomes: Outcomes }[] {
  const { scores = new Map<string, Float32Array>(), user } = dataset.events;
  const labels = labelsOf(dataset, rows);
  if (scores.size === 0 || labels.some((label) => label !== 0 && label !== 1)) return [];
  const users = compactUsers(Int32Array.from(rows, (row) => user[row]!));
  return [...scores].flatMap(([name, values]) => {
    const logits = Float32Array.from(rows, (row) => values[row]!);
    return logits.every(Number.isFinite) ? [{ name, outcomes: { logits, labels, ...users } }] : [];
  });
}

/** AUC, GAUC and logloss of each of them; null where one has no value. */
export function scoreColumnMetrics(
  dataset: Dataset,
  rows: Uint32Array,
): { name: string; auc: number | null; gauc: number | null; logloss: number | null }[] {
  return scoreColumns(dataset, rows).map(({ name, outcomes: { logits, labels, users } }) => {
    const { metrics } = summarizeImpressions(logits, labels, users);
    const value = (metric: string) => metrics[metric]?.value ?? null;
    return { name, auc: value('auc'), gauc: value('gauc'), logloss: value('logloss') };
  });
}
