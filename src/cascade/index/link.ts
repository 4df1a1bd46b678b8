import { type Graph, loadEngine } from './engine.js';
import { augmentedRow, graphWidth, longest } from './lifted.js';
import type { HnswSettings, MeasuredRecall } from './manifest.js';
import type { VectorTable } from './vectors.js';

/** Rows that are added in one call of the library, between two reports of progress. */
const ADD_BLOCK = 4096;

/** Everything of an approximate index but its vectors. */
export interface HnswState {
  settings: HnswSettings;
  /** The length that every row is lifted to: see `lifted.ts`. */
  length: number;
  graph: Graph;
  recall: MeasuredRecall | undefined;
}

/**
 * Links every present row into a new graph. Between blocks of rows the event loop gets its turn.
 *
 * @param threads with one thread the same vectors give the same graph every time
 * @throws TwoTowerError INDEX_ENGINE where the library cannot be loaded
 */
export async function linkRows(
  table: VectorTable,
  settings: HnswSettings,
  threads: number,
  onProgress: ((done: number, total: number) => void) | undefined,
): Promise<HnswState> {
  const engine = await loadEngine();
  const width = graphWidth(table.width, table.metric);
  const length = longest(table);
  const graph = engine.create({ width, ...settings });
  const rows = table.present;
  for (let row = 0, done = 0; row < rows.length; ) {
    const block: number[] = [];
    for (; row < rows.length && block.length < ADD_BLOCK; row++) if (rows[row] === 1) block.push(row);
    const lifted = new Float32Array(block.length * width);
    block.forEach((one, i) => {
      lifted.set(augmentedRow(table, one, length), i * width);
    });
    if (block.length > 0) graph.add(BigUint64Array.from(block, BigInt), lifted, threads);
    done += block.length;
    onProgress?.(done, table.count);
    await new Promise((resume) => setImmediate(resume));
  }
  return { settings, length, graph, recall: undefined };
}
