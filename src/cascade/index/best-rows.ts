import { type RankedItems, TopK } from '../../evaluation/topk.js';
import type { PreparedQueries, VectorTable } from './vectors.js';

/**
 * The k best of some rows for one query, by scores computed anew: higher score first, equal scores by lower row. Whatever
 * found the rows, and with whatever precision, the result does not show.
 *
 * @param rows distinct row numbers
 */
export function bestRows(
  table: VectorTable,
  queries: PreparedQueries,
  query: number,
  rows: ArrayLike<number>,
  k: number,
): RankedItems {
  const { width } = table;
  const { data, vectors } = queries;
  // In ascending order, so that the lower row wins a tie; memory is also read from one end to the other.
  const sorted = Int32Array.from(rows).sort();
  const scores = new Float32Array(sorted.length);
  for (let i = 0; i < sorted.length; i++) {
    let best = Number.NEGATIVE_INFINITY;
    for (let vector = 0; vector < vectors; vector++) {
      best = Math.max(best, table.score(sorted[i]!, data, (query * vectors + vector) * width));
    }
    scores[i] = best;
  }
  const kept = new TopK(Math.max(1, Math.min(k, sorted.length)));
  kept.push(scores);
  const best = kept.result();
  return { items: best.items.map((at) => sorted[at]!), scores: best.scores };
}
