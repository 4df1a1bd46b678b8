import type { RankedItems } from '../../evaluation/topk.js';
import { type PreparedQueries, VectorTable } from './vectors.js';

/** Every row whose number is a multiple of this is a scout. */
export const SCOUT_EVERY = 1024;

/**
 * A walk through the graph may end among rows that are alike and never reach better ones: where rows stand in clouds, few links
 * lead from one to the next, and looking at more rows is a dear way across. So some rows, spread over the table, are compared with
 * every query. One that is better than the last that was found and was not found itself tells that the walk went astray.
 */
export class Scouts {
  private readonly vectors: VectorTable;

  constructor({ metric, width, rows, data, present }: VectorTable) {
    const count = Math.ceil(rows / SCOUT_EVERY);
    const values = new Float32Array(count * width);
    const mask = new Uint8Array(count);
    for (let i = 0, row = 0; i < count; i++, row += SCOUT_EVERY) {
      values.set(data.subarray(row * width, (row + 1) * width), i * width);
      mask[i] = present[row]!;
    }
    this.vectors = VectorTable.adopt(metric, width, values, mask);
  }

  /** A row was added to the table or replaced in it. */
  set(row: number, vector: Float32Array): void {
    if (row % SCOUT_EVERY === 0) this.vectors.set(row / SCOUT_EVERY, vector);
  }

  /** A row was removed from the table. */
  delete(row: number): void {
    if (row % SCOUT_EVERY === 0) this.vectors.delete(row / SCOUT_EVERY);
  }

  /** Whether a scout that passes the test should be among the best and is not. */
  miss(
    { data, vectors }: PreparedQueries,
    query: number,
    { items, scores }: RankedItems,
    test: ((row: number) => boolean) | undefined,
  ): boolean {
    const last = scores.at(-1);
    if (last === undefined) return false;
    const { rows, width } = this.vectors;
    for (let vector = query * vectors; vector < (query + 1) * vectors; vector++) {
      for (let scout = 0; scout < rows; scout++) {
        if (this.vectors.score(scout, data, vector * width) <= last || !this.vectors.has(scout)) continue;
        const row = scout * SCOUT_EVERY;
        if ((test === undefined || test(row)) && !items.includes(row)) return true;
      }
    }
    return false;
  }
}
