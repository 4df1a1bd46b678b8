import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { deserialize } from 'node:v8';
import type { DatasetConfig } from '../config.js';
import type { Dataset } from '../dataset.js';
import { datasetFiles } from '../dataset-files.js';
import { hashesOf } from '../dataset-hash.js';
import { cacheFolder } from '../download.js';
import type { LoadOptions } from '../load-options.js';
import { settledConfig } from '../settled-config.js';
import { objectsBeside, type StreamOptions } from './options.js';
import { LOG_FILE, type PreparedLog, prepareWindows } from './prepare.js';
import { openWindow } from './window.js';

/** Of what is in a prepared folder; another one is prepared anew. */
const FORMAT = 1;

/**
 * Reads a log that does not fit into memory: its windows are prepared on the disk, unless they are there, and the first of them is
 * the dataset's `events`, `splits` and `histories`. All else, the hashes included, is that of `loadDataset`.
 *
 * @throws as `loadDataset`; DATA_SPLIT where the users of the first window have nothing in a part of the log
 */
export async function loadStreamed(
  source: DatasetConfig | string,
  stream: StreamOptions,
  options: LoadOptions = {},
): Promise<Dataset> {
  const config = await settledConfig(source, options);
  const files = await datasetFiles(config, { ...objectsBeside(stream), ...options });
  const hashes = await hashesOf(config, files);
  // Which rows are left out, and which version of V8 has written, make a difference too.
  const said = [FORMAT, hashes.hash, stream.window, options.maxBadRows ?? 0, process.versions.v8.split('.')[0]];
  const key = createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 32);
  const folder = join(stream.cache ?? join(options.cache ?? cacheFolder(), 'windows'), key);
  if (!existsSync(join(folder, LOG_FILE))) {
    await prepareWindows(folder, config, { ...options, window: stream.window, hashes, files });
  }
  const prepared = deserialize(readFileSync(join(folder, LOG_FILE))) as PreparedLog;
  const dataset = {
    ...prepared.dataset,
    ...(config.truth !== undefined && { truth: resolve(config.root, config.truth) }),
    stream: { ...prepared.stream, folder },
  };
  return openWindow(dataset, 0);
}
