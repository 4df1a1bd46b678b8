import { readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { Database } from '../data/database.js';
import type { RawRecord } from '../data/featurizer.js';
import { TwoTowerError } from '../errors.js';
import { parseCsv } from './csv.js';

/**
 * Reads rows of raw values: `.jsonl` or `.ndjson` (an object a line), `.json` (a list of objects, or one), `.csv`, `.tsv`
 * (text, an empty cell being no value) or `.parquet`.
 *
 * @throws DATA_SOURCE when the file cannot be read, DATA_VALUE when a row is not an object
 */
export async function readRecords(file: string): Promise<RawRecord[]> {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true) {
    const reason = found?.isDirectory() ? 'it is a folder' : 'there is no such file';
    throw new TwoTowerError('DATA_SOURCE', `${file}: ${reason}`, 'Check the path.');
  }
  const records = (await rowsOf(file)).map((row, i) => {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw new TwoTowerError(
        'DATA_VALUE',
        `${file}: row ${i + 1} is ${JSON.stringify(row)}`,
        'Each row is an object.',
      );
    }
    return withHistories(row as RawRecord, `${file}: row ${i + 1}`);
  });
  if (records.length === 0) throw new TwoTowerError('DATA_VALUE', `${file} has no rows`, 'Give at least one.');
  return records;
}

/** Reads rows with the columns `user` and `item`, positions from 0. @throws as `readRecords` */
export async function readPairs(file: string): Promise<{ user: number; item: number }[]> {
  return (await readRecords(file)).map((record, i) => {
    const [user, item] = [record.user, record.item].map((value) =>
      value === undefined || value === null || value === '' ? Number.NaN : Number(value),
    );
    if (!Number.isInteger(user) || !Number.isInteger(item)) {
      throw new TwoTowerError(
        'DATA_VALUE',
        `${file}: row ${i + 1} has user ${record.user} and item ${record.item}`,
        'Both are positions in the two files, counted from 0.',
      );
    }
    return { user: user!, item: item! };
  });
}

async function rowsOf(file: string): Promise<unknown[]> {
  const format = extname(file).toLowerCase();
  switch (format) {
    case '.jsonl':
    case '.ndjson': {
      const lines = textOf(file).split('\n');
      return lines.flatMap((line, i) => (line.trim() === '' ? [] : [parseJson(line, `${file}:${i + 1}`)]));
    }
    case '.json': {
      const value = parseJson(textOf(file), file);
      return Array.isArray(value) ? value : [value];
    }
    case '.csv':
      return parseCsv(textOf(file), ',', file);
    case '.tsv':
      return parseCsv(textOf(file), '\t', file);
    case '.parquet':
      return readParquet(file);
    default:
      throw new TwoTowerError(
        'DATA_SOURCE',
        `${file}: "${format}" is no known format`,
        'Known: .jsonl, .json, .csv, .tsv, .parquet.',
      );
  }
}

/** @throws DATA_SOURCE where the bytes are no UTF-8 */
function textOf(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new TwoTowerError('DATA_SOURCE', `${file}: it is no UTF-8 text`, 'Save it as UTF-8.');
  }
}

async function readParquet(file: string): Promise<RawRecord[]> {
  const db = await Database.open('1GB');
  try {
    return await db.rows(`SELECT * FROM read_parquet('${file.replaceAll("'", "''")}')`);
  } catch (cause) {
    const [reason] = (cause as Error).message.split('\n');
    throw new TwoTowerError('DATA_VALUE', `${file}: ${reason}`, 'Correct the file.');
  } finally {
    db.close();
  }
}

function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TwoTowerError('DATA_VALUE', `${place}: ${(cause as Error).message}`, 'Correct the JSON.');
  }
}

/** A table has no nested values: there the histories are JSON text. */
function withHistories(record: RawRecord, place: string): RawRecord {
  const { histories } = record;
  if (typeof histories !== 'string') return record;
  return { ...record, histories: parseJson(histories, `${place}, column "histories"`) };
}
