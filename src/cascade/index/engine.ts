import type { Index } from 'usearch';
import { TwoTowerError } from '../../errors.js';

export type Graph = Index;

/** How a graph is made: see `indexOptions`. */
export interface GraphShape {
  /** Values of one vector in the graph. */
  width: number;
  connectivity: number;
  expansionAdd: number;
}

/** The library behind the approximate index (usearch, https://github.com/unum-cloud/usearch), where it can be loaded. */
export interface Engine {
  /** An empty graph under the inner product, its vectors kept in bfloat16. */
  create(shape: GraphShape): Graph;
}

let loaded: Promise<Engine> | undefined;

/**
 * Loads the library when it is first needed: there is no binary of it for some platforms where everything else runs.
 *
 * @throws TwoTowerError INDEX_ENGINE where it cannot be loaded
 */
export function loadEngine(): Promise<Engine> {
  loaded ??= import('usearch').then(
    ({ Index, MetricKind, ScalarKind }) => ({
      create: ({ width, connectivity, expansionAdd }) =>
        new Index({
          dimensions: width,
          metric: MetricKind.IP,
          quantization: ScalarKind.BF16,
          connectivity,
          expansion_add: expansionAdd,
          // What is asked for is the expansion: a search never looks at fewer rows than it shall return.
          expansion_search: 1,
          multi: false,
        }),
    }),
    (cause: Error) => {
      throw new TwoTowerError(
        'INDEX_ENGINE',
        `the library of the approximate index cannot be loaded on ${process.platform} ${process.arch}: ${cause.message}`,
        'Build an index of the kind "exact"; it needs no further library.',
      );
    },
  );
  return loaded;
}

/** Rows found for each query. */
export interface Found {
  /** [queries, limit] */
  rows: Int32Array;
  /** [queries], how many of the `limit` were found */
  counts: number[];
}

/**
 * The nearest rows in the graph, in the order of the graph's own, rounded scores.
 *
 * On one thread: with more, the library (2.21.4) may find no context for one of them and ends the process.
 */
export function searchGraph(graph: Graph, queries: Float32Array, limit: number): Found {
  // The declared type is that of one query; several come back as a batch with counts.
  const { keys, counts } = graph.search(queries, limit, 1) as { keys: BigUint64Array; counts?: BigUint64Array };
  // Rows are below 2^31: the lower half of a key is all of it, and no big integer has to be made of each.
  const halves = new Int32Array(keys.buffer, keys.byteOffset, 2 * keys.length);
  const rows = new Int32Array(keys.length);
  for (let i = 0; i < rows.length; i++) rows[i] = halves[2 * i]!;
  return { rows, counts: counts === undefined ? [rows.length] : Array.from(counts, Number) };
}

/** Threads that link rows: 0 takes as many as the environment variable TWOTOWER_THREADS says, or every core. */
export function threadCount(threads: number): number {
  return threads || Number(process.env.TWOTOWER_THREADS) || 0;
}
