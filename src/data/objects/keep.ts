import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { TwoTowerError } from '../../errors.js';
import type { LoadProgress } from '../load-options.js';
import { fetchObject } from './fetch.js';
import type { TableObject } from './find.js';

/** Objects that are fetched at a time. */
const AT_A_TIME = 4;

/**
 * The file in which an object is kept: its name, in a folder of its ETag and size, in a folder of its address. Two objects, and two
 * states of one, are never taken for each other.
 */
export function keptAt(folder: string, { url, object }: Pick<TableObject, 'url' | 'object'>): string {
  const name = basename(object.key).replace(/[^\w.=@+-]/g, '_');
  return join(folder, short(url), short(`${object.etag} ${object.bytes}`), name.slice(-200));
}

/**
 * Fetches what is not kept yet, each object whole or not at all, some at a time. Of an object that has changed the former state is
 * removed.
 *
 * @param stop is aborted where one of them fails
 * @throws as `fetchObject`; FILE_FAILED where there is no room for them
 */
export async function keepObjects(
  folder: string,
  objects: readonly TableObject[],
  onProgress: (progress: LoadProgress) => void,
  stop: AbortController,
): Promise<void> {
  const missing = new Map<string, TableObject>();
  for (const one of objects) {
    const target = keptAt(folder, one);
    const known = await stat(target).catch(() => undefined);
    if (known?.size !== one.object.bytes) missing.set(target, one);
  }
  if (missing.size === 0) return;
  const total = [...missing.values()].reduce((sum, { object }) => sum + object.bytes, 0);
  await mkdir(folder, { recursive: true });
  await refuseFull(folder, total);
  let done = 0;
  const [[, first] = []] = missing;
  const what = missing.size === 1 ? first?.shown : `${missing.size.toLocaleString('en')} objects`;
  const stage = `fetching ${what} (${size(total)})`;
  const tell = (bytes: number) => {
    done += bytes;
    onProgress({ stage, done, total });
  };
  const waiting = missing.entries();
  const lane = async () => {
    for (const [target, one] of waiting) {
      stop.signal.throwIfAborted();
      await fetchObject(one, target, tell);
      await removeFormer(target);
    }
  };
  const lanes = Array.from({ length: AT_A_TIME }, () =>
    lane().catch((error: unknown) => {
      // The first failure ends the others; what these say of it is nothing new.
      stop.abort(error);
    }),
  );
  tell(0);
  await Promise.all(lanes);
  stop.signal.throwIfAborted();
}

/** What is kept of the object in another state than this one. */
async function removeFormer(target: string): Promise<void> {
  const own = dirname(target);
  for (const state of await readdir(dirname(own))) {
    if (state !== basename(own)) await rm(join(dirname(own), state), { recursive: true, force: true });
  }
}

async function refuseFull(folder: string, bytes: number): Promise<void> {
  const { blocks, bavail, bsize } = await statfs(folder);
  // Some file systems do not tell.
  if (blocks === 0 || bytes <= bavail * bsize) return;
  throw new TwoTowerError(
    'FILE_FAILED',
    `${folder}: ${size(bytes)} are to be fetched, and there is room for ${size(bavail * bsize)}`,
    'Make room there, or name another place: XDG_CACHE_HOME, and with data.stream data.stream.cache.',
  );
}

function size(bytes: number): string {
  const [unit, name] = bytes >= 1e9 ? [1e9, 'GB'] : bytes >= 1e6 ? [1e6, 'MB'] : [1e3, 'kB'];
  return `${(bytes / unit).toLocaleString('en', { maximumFractionDigits: 1 })} ${name}`;
}

function short(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
