import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, extname, isAbsolute, join, posix } from 'node:path';
import { TwoTowerError } from '../errors.js';
import { isS3Url, splitS3Url } from '../s3/address.js';
import type { TableSource } from './config.js';

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

/** A file as it is read. */
export interface DataFile {
  path: string;
  /** What messages call it: the path, or where it was fetched from. */
  shown: string;
}

/** The files of one table, in the order in which they are read. */
export interface TableFiles {
  /** What the description names. */
  shown: string;
  files: DataFile[];
}

/** The files of every table of a description, in the order of the hash. */
export type DatasetFiles = ReadonlyMap<TableSource, TableFiles>;

/** What a description names: a path, or an address in a bucket. */
export function placeOfTable({ path }: Pick<TableSource, 'path'>, root: string): string {
  if (isS3Url(path) || isAbsolute(path)) return path;
  if (!isS3Url(root)) return join(root, path);
  const found = splitS3Url(root);
  return found === undefined ? `${root}/${path}` : `s3://${found.bucket}${posix.join('/', found.key, path)}`;
}

/**
 * The files of a table on the disk: the one that is named; or, in the order of their names, the Parquet files of a folder, or
 * those that fit a name with `*` and `?`.
 *
 * @throws DATA_SOURCE when there is none, or several that are not Parquet
 */
export function localFiles(table: TableSource, root: string): TableFiles {
  const path = placeOfTable(table, root);
  const address = [table.path, root].find((one) => /^[a-z][a-z0-9]+:\/\//i.test(one));
  if (address !== undefined && !isAbsolute(table.path)) {
    throw new TwoTowerError(
      'DATA_SOURCE',
      `${address} is an address, and files are read from a disk or a bucket alone`,
      'Write s3://BUCKET/KEY, or copy the files.',
    );
  }
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile()) return { shown: path, files: [{ path, shown: path }] };
  const pattern = found?.isDirectory() ? PARQUET : wildcards(basename(path));
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
  refuseOthers(table, files);
  return { shown: path, files: files.map((one) => ({ path: one, shown: one })) };
}

/** Several files of a table are Parquet. @throws DATA_SOURCE */
export function refuseOthers(table: TableSource, files: readonly string[]): void {
  const other = files.find((file) => formatOf(table, file) !== 'parquet');
  if (other === undefined) return;
  throw new TwoTowerError(
    'DATA_SOURCE',
    `${other}: one of several files of a table, and not Parquet`,
    'Several files must be Parquet; name a single file of another format.',
  );
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

/** The names that are taken of a folder. */
export const PARQUET = /\.(parquet|pq)$/;

/** A name with `*` and `?` as a regular expression; undefined where it has neither. */
export function wildcards(name: string): RegExp | undefined {
  if (!/[*?]/.test(name)) return undefined;
  const escaped = name.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
