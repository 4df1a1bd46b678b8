import { CodeSearch } from '../../cascade/index/code-search.js';
import type { RowCodes } from '../../cascade/index/row-codes.js';
import { TopK } from '../../evaluation/topk.js';
import { productAt, productsOf } from './inner-products.js';
import { copyVector, type Vectors } from './item-states.js';
import { descending } from './order.js';

const BLOCK = 4096;

/** Search for the largest inner products by looking at every row: at codes of a byte per value first. */
export class ExactSearch {
  private readonly codes: CodeSearch | undefined;
  private vectors: Vectors;

  /**
   * @param current the vectors of all rows there are: asked anew as often as they may have moved
   * @param made the codes of these rows, where there are any
   */
  constructor(
    private readonly current: () => Vectors,
    rows: number,
    made?: RowCodes,
  ) {
    this.vectors = current();
    try {
      const read = (row: number, into: Float32Array) => copyVector(this.vectors, row, into);
      this.codes = new CodeSearch(this.vectors.width, rows, read, made?.rows === rows ? made : undefined);
    } catch (error) {
      // Without vectors in WebAssembly, or with more than its memory holds, the rows themselves are compared.
      if (!(error instanceof RangeError) && !(error instanceof Error && error.name === 'CompileError')) throw error;
    }
  }

  /** A row has another vector, or is new. */
  changed(row: number): void {
    this.vectors = this.current();
    this.codes?.changed(row);
  }

  /**
   * The k rows of the largest inner product with the query. Of several interests the best counts.
   *
   * @param rows so many are looked at
   * @param query [d] or [K, d], row-major, finite
   * @param refused so many rows at most are not allowed
   * @returns rows, best first; equal scores by ascending row
   */
  search(
    rows: number,
    query: Float32Array,
    k: number,
    allowed: (row: number) => boolean,
    refused = Number.POSITIVE_INFINITY,
  ): Int32Array {
    const { codes } = this;
    const vectors = this.current();
    if (codes === undefined) return compareAll(vectors, rows, query, k, allowed);
    // A test reads memory that lies far apart. Where few rows fail it, as many more are looked for and only the best are tested.
    if (refused > k) return nearest(codes, vectors, query, k, allowed);
    return nearest(codes, vectors, query, k + refused)
      .filter(allowed)
      .slice(0, k);
  }
}

function nearest(
  codes: CodeSearch,
  vectors: Vectors,
  query: Float32Array,
  k: number,
  allowed?: (row: number) => boolean,
): Int32Array {
  const { width } = vectors;
  const bestOf = (interest: Float32Array) =>
    codes.best(interest, k, (rows, count, into) => productsOf(vectors, rows, count, interest, 0, into), allowed);
  let candidates = bestOf(query.subarray(0, width));
  if (query.length > width) {
    const all = new Set(candidates);
    for (let from = width; from < query.length; from += width) {
      for (const row of bestOf(query.subarray(from, from + width))) all.add(row);
    }
    candidates = Int32Array.from(all).sort();
  }
  const scores = new Float32Array(candidates.length);
  productsOf(vectors, candidates, candidates.length, query, 0, scores);
  const order = descending(scores, scores.length);
  const best = new Int32Array(Math.min(k, order.length));
  for (let i = 0; i < best.length; i++) best[i] = candidates[order[i]!]!;
  return best;
}

/** The same without codes. @param allowed asked only about rows that would be kept */
export function compareAll(
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
