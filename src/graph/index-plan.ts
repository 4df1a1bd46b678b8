import { TwoTowerError } from '../errors.js';
import type { Dim } from './shape.js';

/** An index that is none: what stands there is zero and need not be summed. Far from every index, so that no error looks like it. */
export const NOWHERE = -(2 ** 31);

/** Feeds of sums by index that the session makes by itself from the fed indices: see `scatterSum`. */
export interface IndexPlan {
  /** The feed with the indices. */
  indices: string;
  /** Number of distinct indices: the size of what was gathered from. */
  rows: Dim;
  /** Names of the feeds, all int32. */
  feeds: Record<keyof SortedIndices, string>;
}

/** Where each index occurs; positions are counted from 1, 0 stands for nowhere. */
export interface SortedIndices {
  /** [rows]: position of the first occurrence. */
  first: Int32Array;
  /** [1 + number of further occurrences]: 0, then the positions of all other occurrences, sorted by index. */
  rest: Int32Array;
  /** [repeated]: the indices that occur more than once, ascending. */
  repeated: Int32Array;
  /** [repeated]: the further occurrences of such an index are the entries of `rest` after `start` up to `end`. */
  start: Int32Array;
  end: Int32Array;
}

/**
 * A counting sort of row indices. Stable, so that sums come out the same in every run.
 * @param indices values in [0, rows), or NOWHERE
 * @param name of the feed they come from
 */
export function indexPlan(indices: Int32Array, rows: number, name: string): SortedIndices {
  const counts = new Int32Array(rows);
  let nowhere = 0;
  for (let i = 0; i < indices.length; i++) {
    if (indices[i] === NOWHERE) nowhere++;
    else counts[indices[i]!]!++;
  }
  const next = new Int32Array(rows);
  let total = 0;
  let distinct = 0;
  let repetitions = 0;
  for (let row = 0; row < rows; row++) {
    const count = counts[row]!;
    next[row] = 1 + total - distinct;
    total += count;
    if (count > 0) distinct++;
    if (count > 1) repetitions++;
  }
  if (total + nowhere !== indices.length) {
    const at = indices.findIndex((index) => index !== NOWHERE && (index < 0 || index >= rows));
    throw new TwoTowerError('GRAPH_FEED', `${name}[${at}] is ${indices[at]}, but there are ${rows} rows`);
  }
  const repeated = new Int32Array(repetitions);
  const start = new Int32Array(repetitions);
  const end = new Int32Array(repetitions);
  for (let row = 0, at = 0; row < rows; row++) {
    const count = counts[row]!;
    if (count < 2) continue;
    repeated[at] = row;
    start[at] = next[row]! - 1;
    end[at] = start[at]! + count - 1;
    at++;
  }
  const first = new Int32Array(rows);
  const rest = new Int32Array(1 + total - distinct);
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i]!;
    if (row === NOWHERE) continue;
    if (first[row] === 0) first[row] = i + 1;
    else rest[next[row]!++] = i + 1;
  }
  return { first, rest, repeated, start, end };
}
