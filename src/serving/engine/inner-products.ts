import { innerProductAt } from '../../inner-product.js';
import type { Vectors } from './item-states.js';

/**
 * The inner product of a query with the vector that begins at `from`; of several interests [K, d], that of the best.
 *
 * @param query [d] or [K, d], row-major
 */
export function productAt(data: Float32Array, from: number, width: number, query: Float32Array): number {
  let best = Number.NEGATIVE_INFINITY;
  for (let q = 0; q < query.length; q += width) {
    const product = innerProductAt(data, from, query, q, width);
    if (product > best) best = product;
  }
  return best;
}

/** Those of the first `count` rows given, each with `constant` added, into the first places of `into`. */
export function productsOf(
  { data, stride, offset, width }: Vectors,
  rows: Int32Array,
  count: number,
  query: Float32Array,
  constant: number,
  into: Float32Array,
): void {
  for (let i = 0; i < count; i++) into[i] = productAt(data, rows[i]! * stride + offset, width, query) + constant;
}
