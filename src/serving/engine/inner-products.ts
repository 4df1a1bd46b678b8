import { innerProductAt } from '../../inner-product.js';
import { isFar } from './far.js';
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

/** Values that the processor fetches together. */
const LINE = 16;
/** Rows that are fetched before the first of them is multiplied, and are in the cache until the last one is. */
const TOGETHER = 256;

/** Those of the first `count` rows given, each with `constant` added, into the first places of `into`. */
export function productsOf(
  { data, stride, offset, width }: Vectors,
  rows: Int32Array,
  count: number,
  query: Float32Array,
  constant: number,
  into: Float32Array,
): void {
  const looksAhead = isFar(data.byteLength);
  for (let from = 0; from < count; from += TOGETHER) {
    const to = Math.min(count, from + TOGETHER);
    for (let i = from; looksAhead && i < to; i++) {
      const start = rows[i]! * stride + offset;
      let looked = data[start + width - 1]!;
      for (let at = start; at < start + width; at += LINE) looked += data[at]!;
      // What is not kept would not be read. The product takes its place.
      into[i] = looked;
    }
    for (let i = from; i < to; i++) into[i] = productAt(data, rows[i]! * stride + offset, width, query) + constant;
  }
}
