import type { RankedItems } from '../../evaluation/topk.js';
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
  const scores = new Float32Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    let best = Number.NEGATIVE_INFINITY;
    for (let vector = 0; vector < vectors; vector++) {
      best = Math.max(best, table.score(rows[i]!, data, (query * vectors + vector) * width));
    }
    scores[i] = best;
  }
  const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || rows[a]! - rows[b]!);
  const kept = order.slice(0, k);
  return {
    items: Int32Array.from(kept, (i) => rows[i]!),
    scores: Float32Array.from(kept, (i) => scores[i]!),
  };
}
