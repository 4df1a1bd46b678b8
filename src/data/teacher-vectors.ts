import type { Feeds } from '../schema.js';
import type { FeedBuffers } from './feeds.js';

/** Vectors of one side of a teacher. */
export interface VectorTable {
  width: number;
  /** [rows, width] */
  values: Float32Array;
  /** Row of each item, or of the request of each event; -1 where there is none. */
  rowOf: Int32Array;
}

/** Vectors of a teacher for rows of the item table, and for the requests of events. */
export interface TeacherVectors {
  item?: VectorTable;
  user?: VectorTable;
}

/** Feeds [I, width] and [B, width], zeros where there is no vector, made where a teacher has vectors. */
export const VECTOR_FEEDS = { item: 'teacher.item', user: 'teacher.user' } as const;

/** Adds the teacher's vectors of a batch: of its items, and of the requests that events speak for. */
export function vectorFeeds(
  feeds: Feeds,
  vectors: TeacherVectors,
  rows: Record<keyof TeacherVectors, ArrayLike<number>>,
  buffers: FeedBuffers,
): void {
  for (const side of ['item', 'user'] as const) {
    const table = vectors[side];
    if (table === undefined) continue;
    const { width, values, rowOf } = table;
    const count = rows[side].length;
    const data = buffers.float32(VECTOR_FEEDS[side], count * width).fill(0);
    for (let i = 0; i < count; i++) {
      const row = rowOf[rows[side][i]!]!;
      if (row >= 0) data.set(values.subarray(row * width, (row + 1) * width), i * width);
    }
    feeds[VECTOR_FEEDS[side]] = { data, shape: [count, width] };
  }
}
