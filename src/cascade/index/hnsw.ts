import { checkWhole } from '../../evaluation/checks.js';
import type { RankedItems } from '../../evaluation/topk.js';
import { bestRows } from './best-rows.js';
import { searchGraph } from './engine.js';
import { ExactIndex } from './exact.js';
import { type RowTest, rowTests } from './filters.js';
import { augmentedQueries, augmentedRow } from './lifted.js';
import type { HnswState } from './link.js';
import type { HnswSettings, IndexManifest, MeasuredRecall } from './manifest.js';
import { OverTable } from './over-table.js';
import type { QueryFilter, RetrievalIndex, Vectors } from './retrieval-index.js';
import { saveIndex } from './save.js';
import { Scouts } from './scouts.js';
import { type PreparedQueries, prepareQueries, type VectorTable } from './vectors.js';

/** Queries that are searched for in one call of the library. */
const QUERY_BLOCK = 64;
/** Looking at every row is as fast as walking the graph to one of so many. */
export const EXACT_SHARE = 64;
/** How many times as many rows a search asks for that did not find enough. */
const MORE = 4;

/**
 * A hierarchical navigable small world graph (Malkov and Yashunin, 2016, arXiv:1603.09320) over rounded copies of the
 * vectors. It proposes some times more rows than are wanted; these are scored anew with the vectors themselves. Where scouts tell
 * that the graph was walked astray, it is asked for more.
 *
 * With a filter, proposals grow until as many pass as would have been looked at without one; where that is dearer than looking
 * at every row, every row is looked at.
 */
export class HnswIndex extends OverTable implements RetrievalIndex {
  readonly kind = 'hnsw';
  private readonly exact: ExactIndex;
  private readonly scouts: Scouts;
  private rescued = 0;

  constructor(
    table: VectorTable,
    private readonly state: HnswState,
    threads = 0,
  ) {
    super(table);
    this.exact = new ExactIndex(table, threads);
    this.scouts = new Scouts(table);
  }

  get settings(): Readonly<HnswSettings> {
    return this.state.settings;
  }

  /** What was measured when the index was built, and how many rows have been added or removed since. */
  get recall(): Readonly<MeasuredRecall> | undefined {
    return this.state.recall;
  }

  /** Queries so far that were compared with every row, because no walk or none worth its time gave enough. */
  get comparedWithAll(): number {
    return this.rescued;
  }

  async search(queries: Vectors, k: number, filter?: QueryFilter): Promise<RankedItems[]> {
    checkWhole('index', 'k', k, 1);
    const prepared = prepareQueries(queries, this.width, this.metric);
    const tests = rowTests(this.table, filter);
    const { at, expansion } = this.settings;
    const needed = Math.max(expansion, k, Math.ceil((expansion / at) * k));
    const limit = Math.min(this.count / 2, Math.max(4 * needed, this.count / EXACT_SHARE));
    const found: RankedItems[] = new Array(prepared.count);
    let open = Array.from({ length: prepared.count }, (_, query) => {
      const rowTest = tests(query);
      return { query, rowTest, proposals: proposals(needed, this.count, rowTest) };
    });
    while (open.length > 0) {
      const tooMany = open.filter((one) => one.proposals > limit);
      const best = await this.exact.searchPrepared(prepared, k, tooMany);
      this.rescued += tooMany.length;
      tooMany.forEach(({ query }, i) => {
        found[query] = best[i]!;
      });
      const again: typeof open = [];
      for (const block of blocks(open.filter((one) => one.proposals <= limit))) {
        const rows = this.propose(prepared, block);
        block.forEach((one, i) => {
          const { query, rowTest } = one;
          const { test, narrows, bound } = rowTest;
          const more = { ...one, proposals: MORE * one.proposals };
          const passing = test === undefined ? rows[i]! : rows[i]!.filter(test);
          if (passing.length < Math.min(narrows ? needed : k, bound)) {
            again.push(more);
            return;
          }
          const best = bestRows(this.table, prepared, query, passing, k);
          // What no walk reaches is not worth comparing every row.
          if (more.proposals <= limit && this.scouts.miss(prepared, query, best, test)) again.push(more);
          else found[query] = best;
        });
      }
      open = again;
    }
    return found;
  }

  add(row: number, vector: Float32Array): void {
    const { graph, length } = this.state;
    const known = this.table.has(row);
    this.table.set(row, vector);
    this.scouts.set(row, vector);
    const key = BigUint64Array.of(BigInt(row));
    if (known) graph.remove(key);
    graph.add(key, augmentedRow(this.table, row, length), 1);
    this.changed();
  }

  remove(row: number): boolean {
    if (!this.table.delete(row)) return false;
    this.scouts.delete(row);
    this.state.graph.remove(BigUint64Array.of(BigInt(row)));
    this.changed();
    return true;
  }

  async save(folder: string): Promise<IndexManifest> {
    return saveIndex(folder, this.table, { kind: 'hnsw', ...this.state });
  }

  async release(): Promise<void> {
    await this.exact.release();
  }

  private changed(): void {
    if (this.state.recall !== undefined) this.state.recall.changesSince++;
  }

  /** Distinct rows near each query, or near any of its vectors. */
  private propose(queries: PreparedQueries, block: readonly Open[]): Int32Array[] {
    const { vectors } = queries;
    const lifted = augmentedQueries(
      queries,
      this.width,
      block.map(({ query }) => query),
      this.metric,
    );
    const limit = block[0]!.proposals;
    const { rows, counts } = searchGraph(this.state.graph, lifted, limit);
    return block.map((_, i) => {
      const near = (vector: number) => rows.subarray(vector * limit, vector * limit + counts[vector]!);
      if (vectors === 1) return near(i);
      const all = new Set<number>();
      for (let vector = i * vectors; vector < (i + 1) * vectors; vector++) for (const row of near(vector)) all.add(row);
      return Int32Array.from(all);
    });
  }
}

interface Open {
  query: number;
  rowTest: RowTest;
  proposals: number;
}

/** How many rows to ask the graph for, such that as many as needed should pass. */
function proposals(needed: number, count: number, { test, bound }: RowTest): number {
  if (test === undefined || bound === 0) return needed;
  return Math.ceil((needed * count) / bound);
}

/** Cuts searches into calls of the library: as many proposals for each query of a call. */
function blocks(open: readonly Open[]): Open[][] {
  const bySize = new Map<number, Open[]>();
  for (const one of open) {
    const same = bySize.get(one.proposals);
    if (same === undefined) bySize.set(one.proposals, [one]);
    else same.push(one);
  }
  return [...bySize.values()].flatMap((same) =>
    Array.from({ length: Math.ceil(same.length / QUERY_BLOCK) }, (_, b) =>
      same.slice(b * QUERY_BLOCK, (b + 1) * QUERY_BLOCK),
    ),
  );
}
