import type { RankedItems } from '../../evaluation/topk.js';
import type { Random } from '../../random.js';
import type { RetrievalIndex, Vectors } from './retrieval-index.js';
import type { VectorTable } from './vectors.js';

/**
 * The share of the exact best rows that an index finds, mean over the queries. A row that scores as well as the last of the
 * best counts as found, so that ties cost nothing.
 *
 * @param queries [Q, width] or [Q, K, width], at least one
 * @param best what exact search finds for each of them
 */
export async function measureRecall(
  index: RetrievalIndex,
  queries: Vectors,
  k: number,
  best: readonly RankedItems[],
): Promise<number> {
  const found = await index.search(queries, k);
  let sum = 0;
  best.forEach(({ scores }, query) => {
    const last = scores.at(-1) ?? 0;
    const hits = found[query]!.scores.reduce((hits, score) => hits + (score >= last ? 1 : 0), 0);
    sum += scores.length === 0 ? 1 : hits / scores.length;
  });
  return sum / best.length;
}

/** Some present rows as queries, drawn without replacement. */
export function sampleRows({ present, data, width }: VectorTable, count: number, random: Random): Vectors {
  const rows: number[] = [];
  for (let row = 0; row < present.length; row++) if (present[row] === 1) rows.push(row);
  const size = Math.min(count, rows.length);
  const sample = new Float32Array(size * width);
  for (let i = 0; i < size; i++) {
    const j = i + random.below(rows.length - i);
    const row = rows[j]!;
    rows[j] = rows[i]!;
    sample.set(data.subarray(row * width, (row + 1) * width), i * width);
  }
  return { data: sample, shape: [size, width] };
}
