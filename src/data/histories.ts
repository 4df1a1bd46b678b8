import type { Feature, Feeds, HistoryFeature } from '../schema.js';
import type { EntityTable, HistoryLog } from './dataset.js';
import { columnOf, type FeedBuffers, type IdDropout } from './feeds.js';

/**
 * First position in `times[from, to)` that is not strictly before `time`. The part is ascending; entries of -Infinity are
 * before everything, and NaN has nothing before it.
 */
export function firstNotBefore(times: Float64Array, from: number, to: number, time: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Writes the feeds of one history for B requests: the last `maxLength` positives strictly before each request's time,
 * right-aligned, as `schema.ts` says. Padded positions are zero in every feed.
 *
 * @param users user rows, [B]; a row the log does not know has an empty history.
 * @param times seconds since 1970, [B].
 */
export function gatherHistory(
  feeds: Feeds,
  history: HistoryFeature,
  log: HistoryLog,
  items: EntityTable,
  users: ArrayLike<number>,
  times: ArrayLike<number>,
  count: number,
  buffers: FeedBuffers,
  dropout?: IdDropout,
): void {
  const length = history.maxLength;
  const prefix = `history.${history.name}`;
  const starts = buffers.int32(`${prefix}.start`, count); // Where in the log the used part begins; not a feed.
  const used = buffers.int32(`${prefix}.length`, count);
  const lag = buffers.float32(`${prefix}.lag`, count * length);
  feeds[`${prefix}.length`] = { data: used, shape: [count] };
  feeds[`${prefix}.lag`] = { data: lag, shape: [count, length] };

  for (let b = 0; b < count; b++) {
    const user = users[b]!;
    const time = times[b]!;
    const begin = log.offsets[user] ?? 0;
    const end = firstNotBefore(log.time, begin, log.offsets[user + 1] ?? begin, time);
    const start = Math.max(begin, end - length);
    const first = (b + 1) * length - (end - start);
    starts[b] = start;
    used[b] = end - start;
    lag.fill(0, b * length, first);
    for (let k = start, at = first; k < end; k++, at++) {
      const past = log.time[k]!;
      lag[at] = past === -Infinity ? 0 : time - past;
    }
  }
  for (const feature of history.features) {
    gatherPast(feeds, prefix, feature, log.item, items, starts, used, length, buffers, dropout);
  }
}

/** One item feature of all past events: `log[starts[b] .. + used[b]]` stands at the end of row b. */
function gatherPast(
  feeds: Feeds,
  prefix: string,
  feature: Feature,
  log: Int32Array,
  items: EntityTable,
  starts: Int32Array,
  used: Int32Array,
  length: number,
  buffers: FeedBuffers,
  dropout?: IdDropout,
): void {
  const name = `${prefix}.${feature.name}`;
  const count = used.length;
  const column = columnOf(items, feature);
  if (column.encoding === 'numbers') {
    const data = buffers.float32(name, count * length * column.width);
    copyPast(column.values, column.width, log, starts, used, length, data);
    feeds[name] = { data, shape: [count, length, column.width] };
  } else if (column.encoding === 'id') {
    const data = buffers.int32(name, count * length);
    copyPast(column.rows, 1, log, starts, used, length, data);
    dropout?.apply(data, length);
    feeds[name] = { data, shape: [count, length] };
  } else {
    const data = buffers.int32(name, count * length * column.maxLength);
    copyPast(column.rows, column.maxLength, log, starts, used, length, data);
    dropout?.apply(data, length * column.maxLength);
    feeds[name] = { data, shape: [count, length, column.maxLength] };
    const lengths = buffers.int32(`${name}.length`, count * length);
    copyPast(column.lengths, 1, log, starts, used, length, lengths);
    feeds[`${name}.length`] = { data: lengths, shape: [count, length] };
  }
}

function copyPast<T extends Int32Array | Float32Array>(
  from: T,
  width: number,
  log: Int32Array,
  starts: Int32Array,
  used: Int32Array,
  length: number,
  to: T,
): void {
  for (let b = 0; b < used.length; b++) {
    const end = starts[b]! + used[b]!;
    let at = ((b + 1) * length - used[b]!) * width;
    to.fill(0, b * length * width, at);
    if (width === 1) {
      for (let k = starts[b]!; k < end; k++) to[at++] = from[log[k]!]!;
    } else {
      for (let k = starts[b]!; k < end; k++) {
        const row = log[k]! * width;
        for (let w = 0; w < width; w++) to[at++] = from[row + w]!;
      }
    }
  }
}
