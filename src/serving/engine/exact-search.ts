import { TopK } from '../../evaluation/topk.js';
import { productAt } from './inner-products.js';
import type { Vectors } from './item-states.js';

const BLOCK = 4096;

/**
 * The k rows of the largest inner product with the query, by looking at every row. Of several interests the best counts.
 *
 * @param query [d] or [K, d], row-major, finite
 * @param allowed asked only about rows that would be kept
 * @returns rows, best first; equal scores by ascending row
 */
export function exactSearch(
  vectors: Vectors,
  rows: number,
  query: Float32Array,
  k: number,
  allowed: (row: number) => boolean,
): Int32Array {
  const best = new TopK(k, allowed);
  const block = new Float32Array(BLOCK);
  for (let from = 0; from < rows; from += BLOCK) {
    const count = Math.min(BLOCK, rows - from);
    innerProducts(vectors, from, count, query, block);
    best.push(count === BLOCK ? block : block.subarray(0, count));
  }
  return best.result().items;
}

function innerProducts(
  { data, stride, offset, width }: Vectors,
  first: number,
  count: number,
  query: Float32Array,
  into: Float32Array,
) {
  for (let i = 0; i < count; i++) into[i] = productAt(data, (first + i) * stride + offset, width, query);
}
