import { TwoTowerError } from '../errors.js';
import type { DatasetConfig } from './config.js';
import { type Database, doubles } from './database.js';
import type { SplitName } from './dataset.js';
import type { TimeUnit } from './fields/kind.js';
import { secondsFromRaw } from './fields/sql.js';
import { markParts, PART_BOUNDS } from './leave-out.js';

/** Where the parts are cut: training is below `trainUntil`, validation below `validationUntil`, test below `testUntil` or the rest. */
export interface Cut {
  /** `seconds`, or `cut` where the description cuts by something else. */
  column: 'seconds' | 'cut';
  trainUntil: number;
  validationUntil: number;
  testUntil?: number;
}

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
  const count = Number((await db.rows<{ n: bigint }>('SELECT count(*) AS n FROM events WHERE problem = 0'))[0]!.n);
  const times = new Float64Array(count);
  let filled = 0;
  for await (const chunk of db.stream('SELECT seconds FROM events WHERE problem = 0')) {
    times.set(doubles(chunk.getColumnVector(0)), filled);
    filled += chunk.rowCount;
  }
  times.sort();
  const at = (share: number) => times[Math.min(count - 1, Math.round(share * count))] ?? Number.NaN;
  return { column: 'seconds', trainUntil: at(split.train), validationUntil: at(split.train + split.validation) };
}

/** ISO text is what it says; a bare number is in the unit of the time column. */
function momentSeconds(moment: number | string, unit: TimeUnit): number {
  return typeof moment === 'string' ? Date.parse(moment) / 1e3 : secondsFromRaw(moment, unit);
}

/**
 * The event rows of each part.
 *
 * @param keys what is cut, in the order of the events
 * @param place file and key that say where, for errors
 * @throws DATA_SPLIT when a part is empty
 */
export function splitRows(
  config: DatasetConfig,
  cut: Cut,
  keys: Float64Array,
  place: string,
): Record<SplitName, Uint32Array> {
  const { testUntil = Number.POSITIVE_INFINITY } = cut;
  const partOf = (key: number): SplitName | undefined => {
    if (key < cut.trainUntil) return 'train';
    if (key < cut.validationUntil) return 'validation';
    return key < testUntil ? 'test' : undefined;
  };
  const sizes = { train: 0, validation: 0, test: 0 };
  for (const key of keys) {
    const part = partOf(key);
    if (part !== undefined) sizes[part]++;
  }
  for (const [part, size] of Object.entries(sizes)) if (size === 0) throw emptySplit(config, cut, keys, part, place);
  const rows = {
    train: new Uint32Array(sizes.train),
    validation: new Uint32Array(sizes.validation),
    test: new Uint32Array(sizes.test),
  };
  const filled = { train: 0, validation: 0, test: 0 };
  for (let i = 0; i < keys.length; i++) {
    const part = partOf(keys[i]!);
    if (part !== undefined) rows[part][filled[part]++] = i;
  }
  return rows;
}

function emptySplit(config: DatasetConfig, cut: Cut, keys: Float64Array, part: string, place: string): TwoTowerError {
  if (keys.length === 0) {
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
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const key of keys) {
    low = Math.min(low, key);
    high = Math.max(high, key);
  }
  const show = (value: number) =>
    cut.column === 'cut' || !Number.isFinite(value) ? String(value) : new Date(value * 1e3).toISOString();
  return new TwoTowerError(
    'DATA_SPLIT',
    `${place}: the ${part} part is empty: training ends before ${show(cut.trainUntil)}, validation before ${show(cut.validationUntil)}, and the events run from ${show(low)} to ${show(high)}`,
    'Move trainUntil and validationUntil, or use shares (train: 0.8, validation: 0.1).',
  );
}
