import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import { Random } from '../../random.js';
import { parseYaml } from '../../yaml.js';
import { threadCount } from './engine.js';
import { ExactIndex } from './exact.js';
import { HnswIndex } from './hnsw.js';
import { type HnswState, linkRows } from './link.js';
import { INDEX_METRICS } from './metric.js';
import { measureRecall, sampleRows } from './recall.js';
import type { RetrievalIndex, Vectors } from './retrieval-index.js';
import { VectorTable } from './vectors.js';

/** What one step of raising the expansion multiplies it with. */
const RAISE = 1.5;

export const indexOptions = z.strictObject({
  kind: z
    .enum(['auto', 'exact', 'hnsw'])
    .default('auto')
    .describe('exact search, an approximate index, or whichever answers a single query sooner'),
  metric: z.enum(INDEX_METRICS).default('inner-product').describe('how a query and a row are compared'),
  exactBelow: z.int().min(0).default(20_000).describe('auto: with fewer rows than this, search is exact'),
  connectivity: z.int().min(2).max(128).default(16).describe('links of a node of the graph'),
  expansionAdd: z.int().positive().default(128).describe('candidates that are weighed when a row is linked'),
  expansion: z
    .int()
    .positive()
    .default(200)
    .describe('rows that a search looks at for its best `recall.at`; raised where the measured recall is short'),
  recall: z
    .strictObject({
      target: z.number().min(0).max(1).default(0.99).describe('what is wanted'),
      at: z.int().positive().default(100).describe('length of the lists that are compared'),
      queries: z.int().min(0).default(256).describe('how many queries are asked; 0 measures nothing'),
    })
    .prefault({})
    .describe('recall against exact search, measured when the index is built'),
  buildThreads: z
    .int()
    .min(0)
    .default(1)
    .describe('threads that link rows; only with 1 do the same vectors give the same index; 0 takes every core'),
  threads: z.int().min(0).default(0).describe('threads of a search; 0 takes every core'),
  seed: z.int().min(0).default(1).describe('of the draw of rows to measure with'),
});

export type IndexOptions = z.input<typeof indexOptions>;

export interface BuildContext {
  /** [rows], 0 = the row cannot be found, such as that of unknown items. */
  present?: Uint8Array;
  /** What will be asked, such as user vectors: [Q, width] or [Q, K, width]. Rows of the index stand in for them otherwise. */
  queries?: Vectors;
  onProgress?: (progress: { stage: 'link' | 'measure'; done: number; total: number }) => void;
}

/**
 * Builds an index over item vectors, exact where that is as fast. The recall of an approximate one is measured against exact
 * search; where it is below the target the index looks at more rows, half as many more each time, up to a quarter of all.
 * The measured recall is kept with the index, also where it stays short.
 *
 * @param vectors [rows, width], copied
 * @throws TwoTowerError CONFIG_INVALID on options, DATA_VALUE on NaN or infinity, INDEX_ENGINE where an approximate index
 *   was asked for by name and its library cannot be loaded; RangeError on shapes that do not fit
 */
export async function buildIndex(
  vectors: Vectors,
  options: IndexOptions = {},
  context: BuildContext = {},
): Promise<RetrievalIndex> {
  const { kind, metric, exactBelow, connectivity, expansionAdd, expansion, recall, buildThreads, threads, seed } =
    parseIndexOptions(options);
  const table = VectorTable.of(metric, vectors, context.present);
  const exact = new ExactIndex(table, threads);
  if (kind === 'exact' || (kind === 'auto' && table.count < exactBelow)) return exact;
  const { onProgress } = context;
  const settings = { connectivity, expansionAdd, expansion, at: recall.at };
  let state: HnswState;
  try {
    state = await linkRows(table, settings, threadCount(buildThreads), (done, total) =>
      onProgress?.({ stage: 'link', done, total }),
    );
  } catch (error) {
    // Slower is better than not at all, unless the approximate index was asked for.
    if (kind === 'auto' && error instanceof TwoTowerError && error.code === 'INDEX_ENGINE') return exact;
    throw error;
  }
  const index = new HnswIndex(table, state, threads);
  const queries = context.queries ?? sampleRows(table, recall.queries, Random.of(seed, 'index-recall'));
  const asked = Math.min(recall.queries, queries.shape[0]!);
  if (asked === 0) return index;
  const values = queries.data.subarray(0, (asked * queries.data.length) / queries.shape[0]!);
  const sample = { data: values, shape: [asked, ...queries.shape.slice(1)] };
  const best = await exact.search(sample, recall.at);
  for (let round = 1; ; round++) {
    onProgress?.({ stage: 'measure', done: round, total: round });
    const value = await measureRecall(index, sample, recall.at, best);
    const raised = Math.ceil(settings.expansion * RAISE);
    if (value >= recall.target || raised > table.count / 4) {
      const source = context.queries === undefined ? 'rows' : 'given';
      state.recall = { value, at: recall.at, queries: asked, source, target: recall.target, changesSince: 0 };
      await exact.release();
      return index;
    }
    settings.expansion = raised;
  }
}

/** Validates options and fills in their defaults. @throws CONFIG_INVALID */
export function parseIndexOptions(options: unknown): z.output<typeof indexOptions> {
  return parseYaml(JSON.stringify(options), 'options of the index', indexOptions);
}
