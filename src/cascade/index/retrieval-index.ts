import type { RankedItems } from '../../evaluation/topk.js';
import type { IndexManifest } from './manifest.js';
import type { IndexMetric } from './metric.js';

/** Vectors below each other, row-major: [N, width], or [Q, K, width] for queries of K vectors each. */
export interface Vectors {
  data: Float32Array;
  shape: readonly number[];
}

/** Which rows may be returned for a query. Rows that were removed never are. */
export interface RowFilter {
  /** [rows of the index], 0 = not allowed; or a question asked row by row. Every row is allowed when absent. */
  allow?: Uint8Array | ((row: number) => boolean) | undefined;
  /** Rows that are left out besides, such as those the user has seen. */
  exclude?: Iterable<number> | undefined;
}

/** One filter for all queries, or one for each. */
export type QueryFilter = RowFilter | ((query: number) => RowFilter | undefined);

/**
 * Item vectors under their row numbers, and the search for the best of them. Rows are dense: they begin at 0, and a new row
 * is the next one. An index is used by one thread; searches may overlap, but vectors must not be changed before they end.
 */
export interface RetrievalIndex {
  readonly kind: 'exact' | 'hnsw';
  readonly metric: IndexMetric;
  /** Values of one vector. */
  readonly width: number;
  /** Rows that can be found. */
  readonly count: number;
  /** One more than the highest row there ever was: the length of a mask over rows. */
  readonly rows: number;
  /**
   * The k best rows for each query, best first: higher score first, equal scores by lower row. Scores are computed in double
   * precision and rounded once, so that they do not depend on the kind of index or on what else is asked at the same time.
   * With several vectors to a query a row's score is the largest over them (max-sim).
   *
   * Works on the calling thread, which does nothing else until a block of queries is done.
   *
   * @param queries [Q, width] or [Q, K, width]
   * @returns fewer than k where fewer rows are allowed
   * @throws RangeError on another shape, a bad k or a mask of another length; TwoTowerError DATA_VALUE on NaN or infinity
   */
  search(queries: Vectors, k: number, filter?: QueryFilter): Promise<RankedItems[]>;
  /**
   * Adds the next row, brings a removed one back or replaces what a row holds.
   *
   * @param vector [width]
   * @throws RangeError on a row beyond the next one or another width; TwoTowerError DATA_VALUE on NaN or infinity
   */
  add(row: number, vector: Float32Array): void;
  /** Takes a row out of every later search. Answers whether it was there. */
  remove(row: number): boolean;
  /** Writes a folder that {@link loadIndex} reads; it appears whole or not at all. Must not overlap with changes. */
  save(folder: string): Promise<IndexManifest>;
  /** Frees what the garbage collector does not see. The index must not be used afterwards. */
  release(): Promise<void>;
}
