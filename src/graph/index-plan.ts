import { TwoTowerError } from '../errors.js';
import type { Dim } from './shape.js';

/** Feeds of sums by index that the session makes by itself from the fed indices: see `scatterSum`. */
export interface IndexPlan {
  /** The feed with the indices. */
  indices: string;
  /** Number of distinct indices: the size of what was gathered from. */
  rows: Dim;
  /** Names of the three feeds, int32: [1 + number of indices], [rows] and [rows]. */
  order: string;
  start: string;
  end: string;
}

/**
 * A counting sort of row indices. `order` begins with 0; then follow, each plus 1, the positions with index 0, those with index
 * 1, …: those with index i are the entries after `start[i]` up to `end[i]`. Stable, so that sums come out the same in every run.
 * @param indices values in [0, rows)
 * @param name of the feed they come from
 */
export function indexPlan(
  indices: Int32Array,
  rows: number,
  name: string,
): { order: Int32Array; start: Int32Array; end: Int32Array } {
  const end = new Int32Array(rows);
  for (let i = 0; i < indices.length; i++) end[indices[i]!]!++;
  const start = new Int32Array(rows);
  let total = 0;
  for (let row = 0; row < rows; row++) {
    start[row] = total;
    total += end[row]!;
    end[row] = start[row]!;
  }
  if (total !== indices.length) {
    const at = indices.findIndex((index) => index < 0 || index >= rows);
    throw new TwoTowerError('GRAPH_FEED', `${name}[${at}] is ${indices[at]}, but there are ${rows} rows`);
  }
  const order = new Int32Array(indices.length + 1);
  for (let i = 0; i < indices.length; i++) order[++end[indices[i]!]!] = i + 1;
  return { order, start, end };
}
