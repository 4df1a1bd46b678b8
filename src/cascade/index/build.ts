import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import type { RankedItems } from '../../evaluation/topk.js';
import { Random } from '../../random.js';
import { parseYaml } from '../../yaml.js';
import { threadCount } from './engine.js';
import { ExactIndex } from './exact.js';
import { EXACT_SHARE, HnswIndex } from './hnsw.js';
import { type HnswState, linkRows } from './link.js';
import { linkOrder } from './link-order.js';
import { INDEX_METRICS } from './metric.js';
import { measureRecall, sampleRows } from './recall.js';
import type { RetrievalIndex, Vectors } from './retrieval-index.js';
import { scanLayout } from './scan-code.js';
import { VectorTable } from './vectors.js';

/** What one step of raising the expansion multiplies it with. */
const RAISE = 1.2;
/** A search looks at no more than so many times the rows it returns, unless the table is large. */
const MOST_TIMES = 8;
/** Bytes of codes (`codes.ts`) that are scanned in the time in which a graph looks at one row. */
const SCANNED = 16_000;
/** Where the target takes looking at more than so many times as many rows, the other kind of graph is tried. */
const WORTH_ANOTHER = 4;

export const indexOptions = z.strictObject({
  kind: z
    .enum(['auto', 'exact', 'hnsw'])
    .default('auto')
    .describe('exact search, an approximate index, or whichever answers a single query sooner'),
  metric: z.enum(INDEX_METRICS).default('inner-product').describe('how a query and a row are compared'),
  exactBelow: z.int().min(0).default(50_000).describe('auto: with fewer rows than this, search is exact'),
  connectivity: z.int().min(2).max(128).default(24).describe('links of a node of the graph'),
  expansionAdd: z.int().positive().default(200).describe('candidates that are weighed when a row is linked'),
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
  threads: z
    .int()
    .min(0)
    .default(0)
    .describe('threads of an exact search; 0 takes every core; the graph is walked on one'),
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
 * search; where it is below the target the index looks at a fifth more rows each time. Under the inner product, where that takes
 * many more, the rows are linked as they are, too, and the better graph is kept (see `lifted.ts`). The measured recall is kept
 * with the index, also where it stays short. A graph that has to look at so many rows that all are compared as soon is given up,
 * unless it was asked for by name.
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
  const queries = context.queries ?? sampleRows(table, recall.queries, Random.of(seed, 'index-recall'));
  const asked = Math.min(recall.queries, queries.shape[0]!);
  const values = queries.data.subarray(0, (asked * queries.data.length) / queries.shape[0]!);
  const sample = { data: values, shape: [asked, ...queries.shape.slice(1)] };
  // A search looks at no fewer rows than it returns.
  const least = Math.max(expansion, recall.at);
  const scanned = table.rows * scanLayout(table.width).stride;
  /** Whether comparing all rows is as soon as a graph that looks at so many. */
  const isScanSooner = (rows: number) => kind === 'auto' && asked > 0 && scanned < SCANNED * rows;
  if (isScanSooner(least)) return exact;
  const order = await linkOrder(table);
  const best = asked === 0 ? [] : await exact.search(sample, recall.at);
  let chosen: Candidate | undefined;
  // Lifting is not worth it everywhere: where a few long rows are what nearly everybody is to get, they are found sooner without.
  for (const lifted of metric === 'cosine' ? [true] : [true, false]) {
    let state: HnswState;
    try {
      const settings = { connectivity, expansionAdd, expansion: least, at: recall.at };
      state = await linkRows(table, order, lifted, settings, threadCount(buildThreads), (done, total) =>
        onProgress?.({ stage: 'link', done, total }),
      );
    } catch (error) {
      // Slower is better than not at all, unless the approximate index was asked for.
      if (kind === 'auto' && error instanceof TwoTowerError && error.code === 'INDEX_ENGINE') return exact;
      throw error;
    }
    const index = new HnswIndex(table, state, threads);
    if (asked === 0) return index;
    const { value, rescued } = await raiseExpansion(
      index,
      state.settings,
      { sample, best, target: recall.target },
      (round) => onProgress?.({ stage: 'measure', done: round, total: round }),
    );
    const source = context.queries === undefined ? 'rows' : 'given';
    state.recall = { value, at: recall.at, queries: asked, source, target: recall.target, changesSince: 0 };
    const other = chosen;
    const candidate = { index, state, rescued };
    if (other === undefined || isBetter(candidate, other)) chosen = candidate;
    await (chosen?.index === index ? other?.index : index)?.release();
    if (value >= recall.target && rescued === 0 && state.settings.expansion <= WORTH_ANOTHER * least) break;
  }
  if (isScanSooner(chosen!.state.settings.expansion)) {
    await chosen!.index.release();
    return exact;
  }
  await exact.release();
  return chosen!.index;
}

interface Measure {
  sample: Vectors;
  /** What exact search finds. */
  best: readonly RankedItems[];
  target: number;
}

/** A graph that may become the index. */
interface Candidate {
  index: HnswIndex;
  state: HnswState;
  /** Queries of the sample that it could not answer, so that exact search did: their recall says nothing about the graph. */
  rescued: number;
}

/** Raises the expansion until the target is met, or a search looks at so many rows that it could look at all. */
async function raiseExpansion(
  index: HnswIndex,
  settings: HnswState['settings'],
  { sample, best, target }: Measure,
  onRound: (round: number) => void,
): Promise<{ value: number; rescued: number }> {
  const most = Math.min(index.count / 4, Math.max(MOST_TIMES * settings.at, index.count / EXACT_SHARE));
  for (let round = 1; ; round++) {
    onRound(round);
    const before = index.comparedWithAll;
    const value = await measureRecall(index, sample, settings.at, best);
    const raised = Math.ceil(settings.expansion * RAISE);
    if (value >= target || raised > most) return { value, rescued: index.comparedWithAll - before };
    settings.expansion = raised;
  }
}

/** Who meets the target with fewer queries left to exact search, then by looking at fewer rows; or else finds more. */
function isBetter(one: Candidate, other: Candidate): boolean {
  const [{ value, target }, { value: otherValue }] = [one.state.recall!, other.state.recall!];
  if (value < target || otherValue < target) return value > otherValue;
  if (one.rescued !== other.rescued) return one.rescued < other.rescued;
  return one.state.settings.expansion < other.state.settings.expansion;
}

/** Validates options and fills in their defaults. @throws CONFIG_INVALID */
export function parseIndexOptions(options: unknown): z.output<typeof indexOptions> {
  return parseYaml(JSON.stringify(options), 'options of the index', indexOptions);
}
