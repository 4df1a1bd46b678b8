import type { IndexMetric } from './metric.js';
import type { PreparedQueries, VectorTable } from './vectors.js';

/*
 * A graph whose links follow the inner product is a poor one: long vectors are everybody's neighbours. So every row gets
 * one more value, sqrt(L² - |x|²) with L the length of the longest row, which makes all rows equally long, and every query
 * a zero. Links then follow the angle between rows, while the inner product with a query is what it was (Bachrach et al.,
 * "Speeding up the Xbox recommender system using a Euclidean transformation for inner-product spaces", RecSys 2014).
 * A row that is added later and longer than L gets a zero: it is still found by its inner product, only linked less well.
 * With L = 0 all rows get zeros and are linked by the inner product after all.
 */

/** Values of one vector in the graph. Vectors under the cosine are all of length 1 as they are. */
export function graphWidth(width: number, metric: IndexMetric): number {
  return metric === 'cosine' ? width : width + 1;
}

/** The length of the longest row. */
export function longest({ data, rows, width }: VectorTable): number {
  let most = 0;
  for (let row = 0; row < rows; row++) most = Math.max(most, squaredLength(data, row * width, width));
  return Math.sqrt(most);
}

/** One row as it is kept in the graph. */
export function augmentedRow({ data, width, metric }: VectorTable, row: number, length: number): Float32Array {
  const lifted = new Float32Array(graphWidth(width, metric));
  lifted.set(data.subarray(row * width, (row + 1) * width));
  if (metric !== 'cosine') {
    lifted[width] = Math.sqrt(Math.max(0, length * length - squaredLength(data, row * width, width)));
  }
  return lifted;
}

/** [chosen × vectors, graph width]: some of the queries as the graph is asked for them. */
export function augmentedQueries(
  { data, vectors }: PreparedQueries,
  width: number,
  chosen: readonly number[],
  metric: IndexMetric,
): Float32Array {
  const wide = graphWidth(width, metric);
  const lifted = new Float32Array(chosen.length * vectors * wide);
  chosen.forEach((query, i) => {
    for (let vector = 0; vector < vectors; vector++) {
      const from = (query * vectors + vector) * width;
      lifted.set(data.subarray(from, from + width), (i * vectors + vector) * wide);
    }
  });
  return lifted;
}

function squaredLength(data: Float32Array, start: number, width: number): number {
  let sum = 0;
  for (let i = start; i < start + width; i++) sum += data[i]! * data[i]!;
  return sum;
}
