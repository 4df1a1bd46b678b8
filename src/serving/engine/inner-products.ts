import type { Vectors } from './item-states.js';

/**
 * The inner product of a query with the vector that begins at `from`; of several interests [K, d], that of the best.
 *
 * @param query [d] or [K, d], row-major
 */
export function productAt(data: Float32Array, from: number, width: number, query: Float32Array): number {
  let best = Number.NEGATIVE_INFINITY;
  for (let q = 0; q < query.length; q += width) {
    // Four sums at once: each addition waits for the one before it.
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let k = 0;
    for (; k + 3 < width; k += 4) {
      a += data[from + k]! * query[q + k]!;
      b += data[from + k + 1]! * query[q + k + 1]!;
      c += data[from + k + 2]! * query[q + k + 2]!;
      d += data[from + k + 3]! * query[q + k + 3]!;
    }
    for (; k < width; k++) a += data[from + k]! * query[q + k]!;
    const product = a + b + (c + d);
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
