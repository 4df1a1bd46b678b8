import { ExactIndex } from './exact.js';
import { VectorTable } from './vectors.js';

/** Rows of one neighbourhood, on average. */
const NEIGHBOURHOOD = 1000;
/** With fewer neighbourhoods than this the graph fits in the processor's cache, whatever the order. */
const FEWEST = 20;
/** How often the rows are passed over. */
const PASSES = 16;
/** Rows whose neighbourhood is looked for at once. */
const BLOCK = 4096;

/**
 * The order in which rows are linked: memory of the graph is handed out in that order, and a search that finds its next rows
 * where the last ones were waits less for memory. Every row belongs to the nearest (by angle) of some rows, evenly spaced in
 * the table; rows are linked neighbourhood by neighbourhood. But not in one go, which would leave the neighbourhoods hardly
 * linked with each other: each of several passes takes its share of every neighbourhood.
 *
 * @returns every present row once
 */
export async function linkOrder(table: VectorTable): Promise<Int32Array> {
  const { present, data, width, count } = table;
  const rows = new Int32Array(count);
  for (let row = 0, at = 0; row < present.length; row++) if (present[row] === 1) rows[at++] = row;
  const neighbourhoods = Math.floor(count / NEIGHBOURHOOD);
  if (neighbourhoods < FEWEST) return rows;

  const centres = new Float32Array(neighbourhoods * width);
  for (let i = 0; i < neighbourhoods; i++) {
    const row = rows[Math.floor((i * count) / neighbourhoods)]!;
    centres.set(data.subarray(row * width, (row + 1) * width), i * width);
  }
  // One thread: with more, rounding could differ from run to run, and with it the order.
  const nearest = new ExactIndex(VectorTable.of('cosine', { data: centres, shape: [neighbourhoods, width] }), 1);
  const neighbourhoodOf = new Int32Array(count);
  const block = new Float32Array(BLOCK * width);
  for (let from = 0; from < count; from += BLOCK) {
    const size = Math.min(BLOCK, count - from);
    for (let i = 0; i < size; i++) {
      const start = rows[from + i]! * width;
      block.set(data.subarray(start, start + width), i * width);
    }
    const found = await nearest.search({ data: block.subarray(0, size * width), shape: [size, width] }, 1);
    for (let i = 0; i < size; i++) neighbourhoodOf[from + i] = found[i]!.items[0]!;
  }
  await nearest.release();

  // Sorted by neighbourhood; within one, rows keep their order.
  const next = new Int32Array(neighbourhoods + 1);
  for (const one of neighbourhoodOf) next[one + 1]!++;
  for (let i = 0; i < neighbourhoods; i++) next[i + 1]! += next[i]!;
  const sorted = new Int32Array(count);
  for (let i = 0; i < count; i++) sorted[next[neighbourhoodOf[i]!]!++] = rows[i]!;

  const order = new Int32Array(count);
  for (let pass = 0, at = 0; pass < PASSES; pass++) {
    for (let i = pass; i < count; i += PASSES) order[at++] = sorted[i]!;
  }
  return order;
}
