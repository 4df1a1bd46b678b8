import type { Dataset } from '../src/data/dataset.js';
import { CorpusEvaluation } from '../src/evaluation/corpus.js';
import { summarizeCorpus } from '../src/evaluation/summary.js';

/**
 * What counting alone reaches: of every item that followed the same last item in the training part, how often it did; items that
 * never did by their popularity. Returns the ranking metrics over all known items at the events of `rows`.
 */
export function transitionMetrics(dataset: Dataset, rows: Uint32Array, k: number): Record<string, number | null> {
  const { events, items, splits } = dataset;
  const lastOf = lastItems(dataset);
  const popularity = new Float64Array(items.count);
  const following = new Map<number, Map<number, number>>();
  for (const row of splits.train) {
    const [last, next] = [lastOf(row), events.item[row]!];
    popularity[next]! += 1;
    const counts = following.get(last) ?? new Map<number, number>();
    following.set(last, counts.set(next, (counts.get(next) ?? 0) + 1));
  }
  const candidates = new Uint8Array(items.count).fill(1);
  candidates[0] = 0;
  const evaluation = new CorpusEvaluation({ items: items.count, ks: [k], candidates });
  const base = Float32Array.from(popularity, (count) => count / (1 + splits.train.length));
  for (const row of rows) {
    const scores = base.slice();
    for (const [item, count] of following.get(lastOf(row)) ?? []) scores[item]! += count;
    evaluation.add(scores, { relevant: [events.item[row]!] });
  }
  const { metrics } = summarizeCorpus(evaluation.result());
  return Object.fromEntries(Object.entries(metrics).map(([name, { value }]) => [name, value ?? null]));
}

/** The newest item of an event's history, strictly before it; 0 where there is none. */
function lastItems({ events, histories }: Dataset): (row: number) => number {
  const { offsets, item, time } = histories[0]!;
  return (row) => {
    const user = events.user[row]!;
    let at = offsets[user + 1]! - 1;
    while (at >= offsets[user]! && time[at]! >= events.time[row]!) at--;
    return at < offsets[user]! ? 0 : item[at]!;
  };
}
