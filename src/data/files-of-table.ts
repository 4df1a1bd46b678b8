import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, isAbsolute, join } from 'node:path';
import { TwoTowerError } from '../errors.js';
import type { DatasetConfig, TableSource } from './config.js';

export type Format = 'csv' | 'parquet' | 'jsonl';

const EXTENSIONS: Record<string, Format> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.dat': 'csv',
  '.txt': 'csv',
  '.data': 'csv',
  '.parquet': 'parquet',
  '.pq': 'parquet',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
};

/** What a description names, as a path. */
export function pathOf({ path }: Pick<TableSource, 'path'>, root: string): string {
  return isAbsolute(path) ? path : join(root, path);
}

/**
 * The files of a table: the one that is named; or, in the order of their names, the Parquet files of a folder, or those that
 * fit a name with `*` and `?`.
 *
 * @throws DATA_SOURCE when there is none, or several that are not Parquet
 */
export function tableFiles(table: TableSource, root: string): string[] {
  if (/^[a-z][a-z0-9]+:\/\//.test(table.path)) {
    throw new TwoTowerError(
      'DATA_SOURCE',
      `${table.path} is an address, and files are read from a disk alone`,
      'Mount the bucket, or copy the files.',
    );
  }
  const path = pathOf(table, root);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile()) return [path];
  const pattern = found?.isDirectory() ? /\.(parquet|pq)$/ : wildcards(basename(path));
  if (pattern === undefined) {
    throw new TwoTowerError('DATA_SOURCE', `${path}: there is no such file`, 'Check `path` and the data folder.');
  }
  const folder = found?.isDirectory() ? path : dirname(path);
  const names = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
  const files = names
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(folder, name));
  if (files.length === 0) {
    const what = found?.isDirectory() ? 'there is no Parquet file in the folder' : 'no file fits';
    throw new TwoTowerError('DATA_SOURCE', `${path}: ${what}`, 'Check `path` and the data folder.');
  }
  const other = files.find((file) => formatOf(table, file) !== 'parquet');
  if (other !== undefined) {
    throw new TwoTowerError(
      'DATA_SOURCE',
      `${other}: one of several files of a table, and not Parquet`,
      'Several files must be Parquet; name a single file of another format.',
    );
  }
  return files;
}

/** Format of a file, as the description says or by its extension. @throws DATA_SOURCE */
export function formatOf({ format }: Pick<TableSource, 'format'>, file: string): Format {
  const known = format ?? EXTENSIONS[extname(file.replace(/\.(gz|zst)$/, '')).toLowerCase()];
  if (known !== undefined) return known;
  throw new TwoTowerError(
    'DATA_SOURCE',
    `${file}: cannot tell the format by the name`,
    'Set `format` to csv, parquet or jsonl.',
  );
}

/** All files that a description names, as they are read one after another. @throws DATA_SOURCE */
export function datasetFiles({ tables, histories, root }: DatasetConfig): string[] {
  const seeds = Object.values(histories).map(({ seed }) => seed);
  return [tables.users, tables.items, tables.events, ...seeds].flatMap((table) =>
    table === undefined ? [] : tableFiles(table, root),
  );
}

function wildcards(name: string): RegExp | undefined {
  if (!/[*?]/.test(name)) return undefined;
  const escaped = name.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
