import { type Graph, loadEngine } from './engine.js';
import { augmentedRow, graphWidth, longest } from './lifted.js';
import type { HnswSettings, MeasuredRecall } from './manifest.js';
import type { VectorTable } from './vectors.js';

/** Rows that are added in one call of the library, between two reports of progress. */
const ADD_BLOCK = 4096;

/** Everything of an approximate index but its vectors. */
export interface HnswState {
  settings: HnswSettings;
  /** The length that every row is lifted to, 0 where they are as they are: see `lifted.ts`. */
  length: number;
  graph: Graph;
  recall: MeasuredRecall | undefined;
}

/**
 * Links rows into a new graph, in the order given. Between blocks of rows the event loop gets its turn.
 *
 * @param order every present row once
 * @param lifted whether all rows are made equally long
 * @param threads with one thread the same vectors give the same graph every time
 * @throws TwoTowerError INDEX_ENGINE where the library cannot be loaded
 */
export async function linkRows(
  table: VectorTable,
  order: Int32Array,
  lifted: boolean,
  settings: HnswSettings,
  threads: number,
  onProgress: ((done: number, total: number) => void) | undefined,
): Promise<HnswState> {
  const engine = await loadEngine();
  const width = graphWidth(table.width, table.metric);
  const length = lifted ? longest(table) : 0;
  const graph = engine.create({ width, ...settings });
  for (let done = 0; done < order.length; ) {
    const block = order.subarray(done, done + ADD_BLOCK);
    const vectors = new Float32Array(block.length * width);
    block.forEach((one, i) => {
      vectors.set(augmentedRow(table, one, length), i * width);
    });
    graph.add(BigUint64Array.from(block, BigInt), vectors, threads);
    done += block.length;
    onProgress?.(done, table.count);
    await new Promise((resume) => setImmediate(resume));
  }
  return { settings, length, graph, recall: undefined };
}
