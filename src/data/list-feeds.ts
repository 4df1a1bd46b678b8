import { type Feeds, LIST_FEEDS } from '../schema.js';
import type { FeedBuffers } from './feeds.js';
import type { PairColumns } from './pair-columns.js';

/** A batch as far as its pairs are known. */
interface NumberedPairs {
  pairs: PairColumns;
  /** Row of `pairs` of each pair, [P]. */
  rows: Uint32Array;
  /** Request of each pair, [P]. */
  request: Int32Array;
  /** Requests. */
  B: number;
  /** Positions of the longest list of the whole batch, where these pairs are a share of it. */
  longest?: number | undefined;
}

/**
 * Adds the feeds of `LIST_FEEDS` that are read. The list of a request is its pairs in this batch, in their order: where batches
 * are made of lists, all of the list.
 */
export function listFeeds(feeds: Feeds, reads: ReadonlySet<string>, batch: NumberedPairs, buffers: FeedBuffers): void {
  const { pairs, rows, request, B, longest = 1 } = batch;
  const P = rows.length;
  if (reads.has(LIST_FEEDS.stage)) {
    const data = buffers.int32(LIST_FEEDS.stage, P);
    for (let p = 0; p < P; p++) data[p] = pairs.stage[rows[p]!]!;
    feeds[LIST_FEEDS.stage] = { data, shape: [P] };
  }
  if (reads.has(LIST_FEEDS.teacher) || reads.has(LIST_FEEDS.taught)) {
    const teacher = buffers.float32(LIST_FEEDS.teacher, P);
    const taught = buffers.float32(LIST_FEEDS.taught, P);
    for (let p = 0; p < P; p++) {
      const score = pairs.teacher?.[rows[p]!] ?? Number.NaN;
      taught[p] = Number.isNaN(score) ? 0 : 1;
      teacher[p] = Number.isNaN(score) ? 0 : score;
    }
    feeds[LIST_FEEDS.teacher] = { data: teacher, shape: [P] };
    feeds[LIST_FEEDS.taught] = { data: taught, shape: [P] };
  }
  if (reads.has(LIST_FEEDS.pairs) || reads.has(LIST_FEEDS.mask)) {
    const lengths = new Int32Array(B);
    for (let p = 0; p < P; p++) lengths[request[p]!]!++;
    const L = lengths.reduce((most, length) => Math.max(most, length), longest);
    const list = buffers.int32(LIST_FEEDS.pairs, B * L).fill(0);
    const mask = buffers.float32(LIST_FEEDS.mask, B * L).fill(0);
    lengths.fill(0);
    for (let p = 0; p < P; p++) {
      const at = request[p]! * L + lengths[request[p]!]!++;
      list[at] = p;
      mask[at] = 1;
    }
    feeds[LIST_FEEDS.pairs] = { data: list, shape: [B, L] };
    feeds[LIST_FEEDS.mask] = { data: mask, shape: [B, L] };
  }
}
