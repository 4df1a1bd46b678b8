import { checkWhole } from '../../evaluation/checks.js';
import { type RankedItems, TopK } from '../../evaluation/topk.js';
import { compile, input, matMul, Program } from '../../graph/index.js';
import { bestRows } from './best-rows.js';
import { type RowTest, rowTests } from './filters.js';
import type { IndexManifest } from './manifest.js';
import { OverTable } from './over-table.js';
import type { QueryFilter, RetrievalIndex, Vectors } from './retrieval-index.js';
import { saveIndex } from './save.js';
import { type PreparedQueries, prepareQueries, type VectorTable } from './vectors.js';

/** Query vectors that are multiplied with the rows at once: each pass over the rows then serves so many. */
const QUERY_BLOCK = 64;
/** Scores that are held at once, 4 MiB. */
const SCORES = 1 << 20;
/** One row scored by a loop costs about as much as so many in the matrix product. */
const LOOP_COST = 8;

/**
 * Compares every query with every row: one matrix product in ONNX Runtime for a block of queries and a block of rows, and
 * a heap over the result, so that memory does not grow with the number of rows. Rows whose single-precision scores differ
 * by less than their rounding may change places at the end of a list, nothing else is inexact.
 */
export class ExactIndex extends OverTable implements RetrievalIndex {
  readonly kind = 'exact';
  private program: Promise<Program> | undefined;

  /** @param threads inside one search; 0 takes as many as TWOTOWER_THREADS says, or every core */
  constructor(
    table: VectorTable,
    private readonly threads = 0,
  ) {
    super(table);
  }

  async search(queries: Vectors, k: number, filter?: QueryFilter): Promise<RankedItems[]> {
    checkWhole('index', 'k', k, 1);
    const prepared = prepareQueries(queries, this.width, this.metric);
    const tests = rowTests(this.table, filter);
    return this.searchPrepared(
      prepared,
      k,
      Array.from({ length: prepared.count }, (_, query) => ({ query, rowTest: tests(query) })),
    );
  }

  /** Searches for some of the prepared queries, each with its own test; results are in their order. */
  async searchPrepared(
    queries: PreparedQueries,
    k: number,
    wanted: readonly { query: number; rowTest: RowTest }[],
  ): Promise<RankedItems[]> {
    const found: RankedItems[] = new Array(wanted.length);
    const open: number[] = [];
    wanted.forEach(({ query, rowTest }, i) => {
      const { bound, mask } = rowTest;
      if (bound === 0) found[i] = bestRows(this.table, queries, query, [], k);
      else if (mask !== undefined && bound * LOOP_COST * queries.vectors < this.rows) {
        found[i] = bestRows(this.table, queries, query, rowsOf(mask, rowTest.test), k);
      } else open.push(i);
    });
    const size = Math.max(1, Math.floor(QUERY_BLOCK / queries.vectors));
    for (let from = 0; from < open.length; from += size) {
      const block = open.slice(from, from + size);
      const best = await this.scan(
        queries,
        Math.min(k, this.rows),
        block.map((i) => wanted[i]!),
      );
      block.forEach((i, b) => {
        found[i] = bestRows(this.table, queries, wanted[i]!.query, best[b]!.items, k);
      });
    }
    return found;
  }

  add(row: number, vector: Float32Array): void {
    this.table.set(row, vector);
  }

  remove(row: number): boolean {
    return this.table.delete(row);
  }

  async save(folder: string): Promise<IndexManifest> {
    return saveIndex(folder, this.table, { kind: 'exact' });
  }

  async release(): Promise<void> {
    await (await this.program)?.release();
    this.program = undefined;
  }

  /** The k best of all rows, in single precision, for a block of queries. */
  private async scan(
    queries: PreparedQueries,
    k: number,
    wanted: readonly { query: number; rowTest: RowTest }[],
  ): Promise<RankedItems[]> {
    const { width, rows } = this;
    const { vectors } = queries;
    const size = vectors * width;
    const left = new Float32Array(wanted.length * size);
    wanted.forEach(({ query }, i) => {
      left.set(queries.data.subarray(query * size, (query + 1) * size), i * size);
    });
    const height = wanted.length * vectors;
    const block = Math.max(1, Math.min(rows, Math.floor(SCORES / height)));
    const scores = new Float32Array(height * block);
    const best = wanted.map(({ rowTest }) => new TopK(k, rowTest.test));
    this.program ??= dotProducts(width, this.threads);
    const program = await this.program;
    const values = this.table.data;
    for (let start = 0; start < rows; start += block) {
      const length = Math.min(block, rows - start);
      const target = scores.subarray(0, height * length);
      const feeds = program.prepare({
        queries: { data: left, shape: [height, width] },
        rows: { data: values.subarray(start * width, (start + length) * width), shape: [length, width] },
      });
      await program.run(feeds, { scores: { data: target, shape: [height, length] } });
      best.forEach((one, b) => {
        one.push(largest(target.subarray(b * vectors * length, (b + 1) * vectors * length), vectors, length));
      });
    }
    return best.map((one) => one.result());
  }
}

/** The largest score of each row over the vectors of a query, written over the first vector's. */
function largest(scores: Float32Array, vectors: number, length: number): Float32Array {
  const most = scores.subarray(0, length);
  for (let start = length; start < vectors * length; start += length) {
    for (let i = 0; i < length; i++) if (scores[start + i]! > most[i]!) most[i] = scores[start + i]!;
  }
  return most;
}

function rowsOf(mask: Uint8Array, test: RowTest['test']): number[] {
  const rows: number[] = [];
  for (let row = 0; row < mask.length; row++) if (mask[row] !== 0 && (test === undefined || test(row))) rows.push(row);
  return rows;
}

function dotProducts(width: number, threads: number): Promise<Program> {
  const queries = input('queries', ['Q', width]);
  const rows = input('rows', ['N', width]);
  return Program.load(compile('index', { scores: matMul(queries, rows, { transposeB: true }) }), { threads });
}
