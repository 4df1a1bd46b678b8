import { join } from 'node:path';
import { isS3Url } from '../s3/address.js';
import type { DatasetConfig, TableSource } from './config.js';
import { cacheFolder } from './download.js';
import { type DatasetFiles, localFiles, placeOfTable, type TableFiles } from './files-of-table.js';
import type { LoadOptions } from './load-options.js';
import { findObjects, type TableObject } from './objects/find.js';
import { keepObjects, keptAt } from './objects/keep.js';

/**
 * The files of a dataset, on the disk: what lies in a bucket is fetched first, unless it was before and is the same still.
 *
 * @throws DATA_SOURCE naming the file or object; for buckets USAGE, S3_REFUSED, S3_UNREACHABLE, FILE_FAILED
 */
export async function datasetFiles(
  config: Pick<DatasetConfig, 'tables' | 'histories' | 'root'>,
  options: Pick<LoadOptions, 'cache' | 'objects' | 'onProgress'> = {},
): Promise<DatasetFiles> {
  const { tables, histories, root } = config;
  const seeds = Object.values(histories).map(({ seed }) => seed);
  const all = [tables.users, tables.items, tables.events, ...seeds].filter((table) => table !== undefined);
  const remote = all.filter((table) => isS3Url(placeOfTable(table, root)));
  // What is missing on the disk is told before anything is fetched.
  const files = new Map<TableSource, TableFiles | undefined>(
    all.map((table) => [table, remote.includes(table) ? undefined : localFiles(table, root)]),
  );
  if (remote.length > 0) {
    const { onProgress = () => {} } = options;
    const folder = options.objects ?? join(options.cache ?? cacheFolder(), 'objects');
    const stop = new AbortController();
    const found = new Map<TableSource, TableObject[]>();
    for (const table of remote) {
      const place = placeOfTable(table, root);
      onProgress({ stage: `looking for ${place}` });
      found.set(table, await findObjects(table, place, stop.signal));
    }
    await keepObjects(folder, [...found.values()].flat(), onProgress, stop);
    for (const [table, objects] of found) {
      files.set(table, {
        shown: placeOfTable(table, root),
        files: objects.map((one) => ({ path: keptAt(folder, one), shown: one.shown })),
      });
    }
  }
  return files as DatasetFiles;
}

/** Paths of all files, in the order of the hash. */
export function pathsOf(files: DatasetFiles): string[] {
  return [...files.values()].flatMap((table) => table.files.map(({ path }) => path));
}
