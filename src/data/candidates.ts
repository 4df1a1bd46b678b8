import { existsSync } from 'node:fs';
import { TwoTowerError } from '../errors.js';
import { Database, doubles, integers } from './database.js';
import type { Dataset } from './dataset.js';
import { literal } from './fields/sql.js';
import { candidateStages } from './levels.js';

/**
 * Candidates that were found for requests of the training part and never logged, sorted by event; within one event the stage
 * that came furthest first, then by rank.
 */
export interface Candidates {
  file: string;
  /** [rows] Event row that speaks for the request. */
  event: Uint32Array;
  /** [rows] Row in the item table. */
  item: Int32Array;
  /** [rows] Index into `Dataset.stages`. */
  stage: Uint8Array;
  /** [rows] 0 is the best. */
  rank: Uint32Array;
  /** [rows] A teacher's logit, NaN where the file has none. */
  teacher: Float32Array;
}

const WHOLE = /^(U?(TINY|SMALL)INT|U?INTEGER|BIGINT)$/;
const NUMBER = /^(FLOAT|DOUBLE|DECIMAL.*|U?(TINY|SMALL|BIG)INT|U?INTEGER)$/;

/** Columns of the file, and types from which they can be read; any where there is none. */
const COLUMNS: Record<string, { type: RegExp; what: string } | undefined> = {
  event: { type: WHOLE, what: 'whole numbers' },
  item: undefined,
  stage: undefined,
  rank: { type: WHOLE, what: 'whole numbers' },
  score: undefined,
  teacher: { type: NUMBER, what: 'numbers' },
};

/**
 * Reads a file of mined candidates: Parquet with columns `event` (row in the time-ordered event table), `item` (key), `stage`
 * (name), `rank` (0 = best), `score`, `teacher` (may be NULL), and under the metadata key `twotower` JSON with `dataHash`, the
 * data's hash, and `seenUntil`, when the last event happened that the models which mined had seen (seconds since 1970).
 *
 * @throws DATA_SOURCE for a file that is missing, no such file, or of other data; DATA_COLUMN; DATA_KEY and DATA_VALUE with
 *   the row (from 1) of the first bad one
 */
export async function readCandidates(file: string, dataset: Dataset, memoryLimit = '512MB'): Promise<Candidates> {
  if (!existsSync(file)) {
    throw new TwoTowerError(
      'DATA_SOURCE',
      `${file}: there is no such file`,
      'Mine candidates with: twotower cascade mine',
    );
  }
  const db = await Database.open(memoryLimit);
  try {
    const { seenUntil } = await checkHeader(db, file, dataset);
    const stages = candidateStages(dataset);
    const cases = stages.map((name, i) => `WHEN ${literal(name)} THEN ${i + 1}`);
    await db.run(
      `CREATE TABLE mined AS SELECT file_row_number::BIGINT AS row, event::BIGINT AS event, item::VARCHAR AS item, stage::VARCHAR AS named,
         ${cases.length === 0 ? 'NULL' : `CASE stage::VARCHAR ${cases.join(' ')} END`} AS stage, rank::BIGINT AS rank, teacher::DOUBLE AS teacher
       FROM read_parquet(${literal(file)}, file_row_number = true)`,
    );
    // Row numbers of the item table by number of the distinct key, so that only numbers are read row by row.
    await db.run(
      'CREATE TABLE keys AS SELECT item AS key, row_number() OVER () - 1 AS number FROM (SELECT DISTINCT item FROM mined)',
    );
    const itemRows = await rowsOfKeys(db, dataset);
    await db.run(
      'CREATE TABLE sorted AS SELECT row, event, number, stage, rank, teacher FROM mined LEFT JOIN keys ON item = key ORDER BY event, stage DESC, rank, row',
    );
    const count = Number((await db.rows<{ n: bigint }>('SELECT count(*) AS n FROM sorted'))[0]!.n);
    const candidates: Candidates = {
      file,
      event: new Uint32Array(count),
      item: new Int32Array(count),
      stage: new Uint8Array(count),
      rank: new Uint32Array(count),
      teacher: new Float32Array(count),
    };
    const check = rowCheck(file, dataset, stages, seenUntil);
    let at = 0;
    const select = `SELECT row::DOUBLE, coalesce(event, -1)::DOUBLE, coalesce(number, -1)::INTEGER, coalesce(stage, 0)::INTEGER, coalesce(rank, -1)::DOUBLE, coalesce(teacher, 'nan'::DOUBLE) FROM sorted ORDER BY rowid`;
    for await (const chunk of db.stream(select)) {
      const [row, event, , , rank, teacher] = [0, 1, 2, 3, 4, 5].map((i) => doubles(chunk.getColumnVector(i)));
      const [number, stage] = [2, 3].map((i) => integers(chunk.getColumnVector(i)));
      for (let i = 0; i < chunk.rowCount; i++, at++) {
        const item = itemRows[number![i]!] ?? 0;
        check({ row: row![i]!, event: event![i]!, item, stage: stage![i]!, rank: rank![i]!, teacher: teacher![i]! });
        candidates.event[at] = event![i]!;
        candidates.item[at] = item;
        candidates.stage[at] = stage![i]!;
        candidates.rank[at] = rank![i]!;
        candidates.teacher[at] = teacher![i]!;
      }
    }
    const bad = check.first();
    if (bad !== undefined) {
      const [named] = await db.rows<{ item: string | null; stage: string | null }>(
        `SELECT item, named AS stage FROM mined WHERE row = ${bad.row}`,
      );
      throw bad.error(named!);
    }
    return candidates;
  } finally {
    db.close();
  }
}

/** Checks columns and metadata before any row is read. */
async function checkHeader(db: Database, file: string, dataset: Dataset): Promise<{ seenUntil: number }> {
  const mine = 'Mine candidates for this data with: twotower cascade mine';
  let columns: { column_name: string; column_type: string }[];
  let header: { value: string }[];
  try {
    columns = await db.rows(`DESCRIBE SELECT * FROM read_parquet(${literal(file)})`);
    header = await db.rows<{ value: string }>(
      `SELECT decode(value) AS value FROM parquet_kv_metadata(${literal(file)}) WHERE decode(key) = 'twotower'`,
    );
  } catch (cause) {
    throw new TwoTowerError('DATA_SOURCE', `${file}: not a Parquet file: ${firstLine(cause)}`, mine);
  }
  for (const [name, wanted] of Object.entries(COLUMNS)) {
    const found = columns.find(({ column_name }) => column_name === name)?.column_type;
    if (found === undefined) {
      const names = columns.map(({ column_name }) => column_name);
      throw new TwoTowerError('DATA_COLUMN', `${file}: there is no column "${name}"; it has ${names.join(', ')}`, mine);
    }
    if (wanted?.type.test(found) === false) {
      const says = `column "${name}" is ${found}, where ${wanted.what} are needed`;
      throw new TwoTowerError('DATA_COLUMN', `${file}: ${says}`, mine);
    }
  }
  const about = parsed(header[0]?.value);
  const hash = about?.dataHash;
  if (about === undefined || typeof hash !== 'string') {
    throw new TwoTowerError('DATA_SOURCE', `${file}: it does not say which data it was mined from`, mine);
  }
  if (hash !== dataset.hash && hash !== dataset.logHash) {
    throw new TwoTowerError(
      'DATA_SOURCE',
      `${file}: mined from data ${hash.slice(0, 12)} (${about.dataset ?? 'unnamed'}), ${dataset.name} is ${dataset.logHash.slice(0, 12)}`,
      mine,
    );
  }
  if (typeof about.seenUntil !== 'number') {
    // Without it nobody could tell whether the candidates rest on what came after their requests.
    const says = 'it does not say until when the runs that mined had seen the log';
    throw new TwoTowerError('DATA_SOURCE', `${file}: ${says}`, mine);
  }
  return { seenUntil: about.seenUntil };
}

function parsed(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The item row of every distinct key, by its number; 0 for keys that the item table does not know. */
async function rowsOfKeys(db: Database, { items }: Dataset): Promise<Int32Array> {
  const known = new Map<string | null, number>(items.keys.map((key, row) => [key, row]));
  known.set('', 0);
  const rows: number[] = [];
  for await (const chunk of db.stream('SELECT key FROM keys ORDER BY number')) {
    for (const key of chunk.getColumnValues(0)) rows.push(known.get(key as string | null) ?? 0);
  }
  return Int32Array.from(rows);
}

interface MinedRow {
  row: number;
  event: number;
  item: number;
  stage: number;
  rank: number;
  teacher: number;
}

/** Remembers the bad row that stands first in the file. */
function rowCheck(file: string, dataset: Dataset, stages: string[], seenUntil: number) {
  const { events, splits } = dataset;
  const training = new Uint8Array(events.count);
  for (const rows of [splits.train, dataset.unshown?.train ?? []]) for (const row of rows) training[row] = 1;
  let bad: MinedRow | undefined;
  const fits = ({ event, item, stage, rank, teacher }: MinedRow) =>
    training[event] === 1 &&
    events.time[event]! > seenUntil &&
    item > 0 &&
    stage > 0 &&
    rank >= 0 &&
    Math.abs(Math.fround(teacher)) !== Number.POSITIVE_INFINITY;
  const check = (row: MinedRow) => {
    if (!fits(row) && (bad === undefined || row.row < bad.row)) bad = row;
  };
  check.first = () => {
    if (bad === undefined) return undefined;
    const { row, event, item, stage, rank, teacher } = bad;
    const error = (named: { item: string | null; stage: string | null }): TwoTowerError => {
      const at = `${file}, row ${row + 1}`;
      const again = 'Mine the candidates again for this data.';
      if (training[event] !== 1) {
        const says =
          event >= 0 && event < events.count ? 'is not in the training part' : `is not one of ${events.count}`;
        return new TwoTowerError('DATA_KEY', `${at}, column "event": ${event} ${says}`, again);
      }
      if (events.time[event]! <= seenUntil) {
        const says = `${event} is not later than what the models that mined had seen (${new Date(seenUntil * 1e3).toISOString()})`;
        return new TwoTowerError('DATA_VALUE', `${at}, column "event": ${says}`, again);
      }
      if (item <= 0) {
        return new TwoTowerError('DATA_KEY', `${at}, column "item": there is no item "${named.item ?? ''}"`, again);
      }
      if (stage <= 0) {
        const known = `between the corpus and "${dataset.stages[dataset.shown]}" there are: ${stages.join(', ') || 'none'}`;
        return new TwoTowerError(
          'DATA_VALUE',
          `${at}, column "stage": "${named.stage ?? ''}" is not a stage of candidates`,
          `${known}; stages are named in the description of the dataset.`,
        );
      }
      const [column, value] = rank < 0 ? ['rank', 'empty or negative'] : ['teacher', String(teacher)];
      return new TwoTowerError('DATA_VALUE', `${at}, column "${column}": ${value}`, again);
    };
    return { row, error };
  };
  return check;
}

function firstLine(cause: unknown): string {
  return cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
}
