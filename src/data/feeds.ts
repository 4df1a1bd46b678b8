import { TwoTowerError } from '../errors.js';
import type { Random } from '../random.js';
import type { Feature, Feeds } from '../schema.js';
import type { EncodedColumn, EntityTable } from './dataset.js';

/**
 * Where a batch's feeds are written. Every name owns one growing array, and asking again for a name hands the same memory out
 * again: a batch made with a set of buffers lives until the next batch made with it. Contents are what was left there.
 */
export class FeedBuffers {
  private readonly ints = new Map<string, Int32Array>();
  private readonly floats = new Map<string, Float32Array>();

  int32(name: string, length: number): Int32Array {
    let kept = this.ints.get(name);
    if (kept === undefined || kept.length < length) {
      kept = new Int32Array(kept === undefined ? length : roomFor(length));
      this.ints.set(name, kept);
    }
    return kept.length === length ? kept : kept.subarray(0, length);
  }

  float32(name: string, length: number): Float32Array {
    let kept = this.floats.get(name);
    if (kept === undefined || kept.length < length) {
      kept = new Float32Array(kept === undefined ? length : roomFor(length));
      this.floats.set(name, kept);
    }
    return kept.length === length ? kept : kept.subarray(0, length);
  }
}

/** A buffer that had to grow once gets a quarter more than asked for, so that it seldom grows again. */
function roomFor(length: number): number {
  return length + (length >> 2);
}

/**
 * Replaces vocabulary rows by 0 at a given rate, so that the unknown row is trained. The draws are the gaps between dropped
 * rows (geometric), so the cost follows what is dropped and not what is looked at.
 */
export class IdDropout {
  private wait: number;
  private readonly scale: number;
  private outside = { before: 0, after: 0 };

  /** @param rate share of lookups to drop, in (0, 1]. */
  constructor(
    rate: number,
    private readonly random: Random,
  ) {
    if (!(rate > 0 && rate <= 1)) {
      throw new TwoTowerError('CONFIG_INVALID', `id dropout ${rate} is not a rate`, 'use a number from 0 to 1');
    }
    this.scale = 1 / Math.log1p(-rate);
    this.wait = this.gap();
  }

  /** What follows is a part of the rows of a batch: `before` and `after` it come others, which are drawn for and not touched. */
  among(before: number, after: number): void {
    this.outside = { before, after };
  }

  /** @param perRow entries of each row. */
  apply(rows: Int32Array, perRow = 1): void {
    const before = this.outside.before * perRow;
    const end = before + rows.length + this.outside.after * perRow;
    let at = this.wait;
    for (; at < end; at += 1 + this.gap()) {
      const own = at - before;
      if (own >= 0 && own < rows.length) rows[own] = 0;
    }
    this.wait = at - end;
  }

  private gap(): number {
    return Math.floor(Math.log(1 - this.random.uniform()) * this.scale);
  }
}

/** The encoded column of a feature; missing or differently encoded columns are named. */
export function columnOf(table: EntityTable, feature: Feature): EncodedColumn {
  const column = table.columns.get(feature.name);
  if (column?.encoding !== feature.encoding) {
    const found = column === undefined ? 'is missing' : `is encoded as "${column.encoding}"`;
    throw new TwoTowerError(
      'DATA_COLUMN',
      `${feature.owner} feature "${feature.name}" wants an "${feature.encoding}" column, but the column ${found}`,
    );
  }
  return column;
}

/**
 * Writes the features of `count` table rows as feeds `prefix.name` (and `prefix.name.length`), see `schema.ts`.
 *
 * @param rows table rows; undefined stands for `count` unknown ones: zeros throughout.
 */
export function gatherFeatures(
  feeds: Feeds,
  prefix: string,
  features: Feature[],
  table: EntityTable,
  rows: ArrayLike<number> | undefined,
  count: number,
  buffers: FeedBuffers,
  dropout?: IdDropout,
): void {
  for (const feature of features) {
    const name = `${prefix}.${feature.name}`;
    if (feature.encoding === 'numbers') {
      const data = buffers.float32(name, count * feature.width);
      feeds[name] = { data, shape: [count, feature.width] };
      if (rows === undefined) data.fill(0);
      else {
        const column = columnOf(table, feature);
        if (column.encoding === 'numbers') copyRows(column.values, feature.width, rows, count, data);
      }
      continue;
    }
    const width = feature.encoding === 'ids' ? feature.maxLength : 1;
    const data = buffers.int32(name, count * width);
    feeds[name] = { data, shape: feature.encoding === 'ids' ? [count, width] : [count] };
    const lengths = feature.encoding === 'ids' ? buffers.int32(`${name}.length`, count) : undefined;
    if (lengths !== undefined) feeds[`${name}.length`] = { data: lengths, shape: [count] };
    if (rows === undefined) {
      data.fill(0);
      lengths?.fill(0);
      continue;
    }
    const column = columnOf(table, feature);
    if (column.encoding === 'numbers') continue;
    copyRows(column.rows, width, rows, count, data);
    if (lengths !== undefined && column.encoding === 'ids') copyRows(column.lengths, 1, rows, count, lengths);
    dropout?.apply(data, width);
  }
}

function copyRows<T extends Int32Array | Float32Array>(
  from: T,
  width: number,
  rows: ArrayLike<number>,
  count: number,
  to: T,
): void {
  if (width === 1) {
    for (let i = 0; i < count; i++) to[i] = from[rows[i]!]!;
    return;
  }
  for (let i = 0, at = 0; i < count; i++) {
    const start = rows[i]! * width;
    for (let k = 0; k < width; k++) to[at++] = from[start + k]!;
  }
}
