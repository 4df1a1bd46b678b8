import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { isS3Url, splitS3Url } from '../s3/address.js';
import type { DatasetConfig, TableSource } from './config.js';
import { pathsOf } from './dataset-files.js';
import type { DatasetFiles } from './files-of-table.js';

/**
 * SHA-256 over what the description says and the bytes of the files, wherever they lie: with the split and without. Of an address in a
 * bucket the key counts, as if the description's `root` were the bucket.
 */
export async function hashesOf(config: DatasetConfig, files: DatasetFiles): Promise<{ hash: string; logHash: string }> {
  const { file: _, root: __, about: ___, download: ____, generate: _____, ...described } = config;
  const said = {
    ...described,
    tables: mapped(described.tables, inBucket),
    histories: mapped(described.histories, seedInBucket),
  };
  const { split: ______, ...unsplit } = said;
  const hash = createHash('sha256').update(JSON.stringify(said));
  const logHash = createHash('sha256').update(JSON.stringify(unsplit));
  for (const file of pathsOf(files)) {
    for (const one of [hash, logHash]) one.update('\0');
    for await (const block of createReadStream(file)) {
      for (const one of [hash, logHash]) one.update(block as Buffer);
    }
  }
  return { hash: hash.digest('hex'), logHash: logHash.digest('hex') };
}

function inBucket<T extends TableSource | undefined>(table: T): T {
  return table !== undefined && isS3Url(table.path) ? { ...table, path: splitS3Url(table.path)?.key ?? '' } : table;
}

function seedInBucket(history: DatasetConfig['histories'][string]): DatasetConfig['histories'][string] {
  return history.seed === undefined ? history : { ...history, seed: inBucket(history.seed) };
}

/** The keys keep their order, and so does the text that is hashed. */
function mapped<T, V extends T>(values: Record<string, V>, change: (value: V) => V): Record<string, V> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}
