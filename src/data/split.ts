import { TwoTowerError } from '../errors.js';
import type { DatasetConfig } from './config.js';
import { type Database, doubles } from './database.js';
import type { SplitName } from './dataset.js';
import type { TimeUnit } from './fields/kind.js';
import { secondsFromRaw } from './fields/sql.js';
import { markParts, PART_BOUNDS } from './leave-out.js';
import { type Cut, type PartSizes, partRows } from './parts.js';

/**
 * Reads the split of a description; fractions are counted over the staged events, and equal times stay together. Where users'
 * newest events are left out, the staged events get the column `cut`.
 */
export async function cutOf(db: Database, config: DatasetConfig): Promise<Cut> {
  const { split, time } = config;
  if ('newest' in split) {
    await markParts(db, split);
    return { column: 'cut', ...PART_BOUNDS };
  }
  if ('trainUntil' in split) {
    const column = split.by === undefined ? 'seconds' : 'cut';
    const value = (moment: number | string) => (column === 'cut' ? Number(moment) : momentSeconds(moment, time.unit));
    return { column, trainUntil: value(split.trainUntil), validationUntil: value(split.validationUntil) };
  }
  const [trainUntil, validationUntil] = await timesAt(db, [split.train, split.train + split.validation]);
  return { column: 'seconds', trainUntil: trainUntil!, validationUntil: validationUntil! };
}

/** The time of the event that so large a share of the events precedes, for ascending shares; NaN where there are no events. */
async function timesAt(db: Database, shares: readonly number[]): Promise<number[]> {
  const count = Number((await db.rows<{ n: bigint }>('SELECT count(*) AS n FROM events WHERE problem = 0'))[0]!.n);
  const wanted = shares.map((share) => Math.min(count - 1, Math.round(share * count)));
  const found: number[] = [];
  let passed = 0;
  // Counted and sorted by DuckDB, which goes to the disk where the times do not fit its memory.
  const moments = `SELECT seconds, count(*)::DOUBLE FROM events WHERE problem = 0 GROUP BY seconds ORDER BY seconds`;
  for await (const chunk of db.stream(moments)) {
    const [times, counts] = [doubles(chunk.getColumnVector(0)), doubles(chunk.getColumnVector(1))];
    for (let i = 0; i < times.length; i++) {
      passed += counts[i]!;
      while (found.length < wanted.length && wanted[found.length]! < passed) found.push(times[i]!);
    }
  }
  return shares.map((_, i) => found[i] ?? Number.NaN);
}

/** ISO text is what it says; a bare number is in the unit of the time column. */
function momentSeconds(moment: number | string, unit: TimeUnit): number {
  return typeof moment === 'string' ? Date.parse(moment) / 1e3 : secondsFromRaw(moment, unit);
}

/**
 * As {@link partRows}.
 *
 * @param place file and key that say where, for errors
 * @throws DATA_SPLIT when a part is empty
 */
export function splitRows(
  config: DatasetConfig,
  cut: Cut,
  keys: Float64Array,
  place: string,
): Record<SplitName, Uint32Array> {
  const rows = partRows(cut, keys);
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const key of keys) {
    low = Math.min(low, key);
    high = Math.max(high, key);
  }
  const { train, validation, test } = rows;
  refuseEmpty(config, cut, { train: train.length, validation: validation.length, test: test.length, low, high }, place);
  return rows;
}

/** @throws DATA_SPLIT when a part is empty, as {@link splitRows} does */
export function refuseEmpty(config: DatasetConfig, cut: Cut, sizes: PartSizes, place: string): void {
  const part = (['train', 'validation', 'test'] as const).find((name) => sizes[name] === 0);
  if (part !== undefined) throw emptySplit(config, cut, sizes, part, place);
}

function emptySplit(
  config: DatasetConfig,
  cut: Cut,
  { low, high }: PartSizes,
  part: string,
  place: string,
): TwoTowerError {
  if (low > high) {
    return new TwoTowerError(
      'DATA_SPLIT',
      `${config.file}: there are no events to split`,
      'Check the events file, and what `drop` and skipped bad rows leave of it.',
    );
  }
  if ('newest' in config.split) {
    return new TwoTowerError(
      'DATA_SPLIT',
      `${place}: the ${part} part is empty: no user is left for it, or none has more events than are left out`,
      'Lower newest, or give the part a larger share of the users.',
    );
  }
  const show = (value: number) =>
    cut.column === 'cut' || !Number.isFinite(value) ? String(value) : new Date(value * 1e3).toISOString();
  return new TwoTowerError(
    'DATA_SPLIT',
    `${place}: the ${part} part is empty: training ends before ${show(cut.trainUntil)}, validation before ${show(cut.validationUntil)}, and the events run from ${show(low)} to ${show(high)}`,
    'Move trainUntil and validationUntil, or use shares (train: 0.8, validation: 0.1).',
  );
}
