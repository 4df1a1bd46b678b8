import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { TwoTowerError } from '../../errors.js';
import { writeFileAtomic } from '../../files.js';
import { s3Address } from '../../s3/address.js';
import { openBucket } from '../../s3/bucket.js';
import {
  POINTER,
  parsePointer,
  prepareStore,
  readPointer,
  sharesOf,
  VERSIONS,
  versionFolder,
  writePointer,
} from '../store.js';
import { fetchVersion } from './fetch-version.js';

/** A folder that follows a store in a bucket: what serves the folder serves the bucket. */
export interface Mirror {
  readonly folder: string;
  /** Looks at the bucket's pointer now. @returns whether it was another; @throws SERVING_STORE, S3_… */
  sync(): Promise<boolean>;
  close(): Promise<void>;
}

export interface MirrorOptions {
  /** Store in a bucket: `s3://BUCKET/PREFIX`. */
  store: string;
  /** Folder for what is fetched, a store like any other. */
  folder: string;
  /** Milliseconds between two looks at the bucket's pointer; 2000 unless given, 0 never looks by itself. */
  pollMs?: number;
  log: Pick<Logger, 'info' | 'warn'>;
  env?: NodeJS.ProcessEnv;
}

/** Names the store that a folder follows. */
const ORIGIN = 'mirror-of.txt';

/**
 * Fetches what a bucket's store serves and goes on following it: versions first, each whole or not at all and with the checksums of its
 * manifest, then the pointer. Where the bucket cannot be reached and the folder holds what it served last, that is served on.
 *
 * @throws USAGE; SERVING_STORE and S3_… where nothing can be served
 */
export async function openMirror({ store, folder, pollMs = 2000, log, env }: MirrorOptions): Promise<Mirror> {
  const closing = new AbortController();
  const bucket = await openBucket(s3Address(store, env), closing.signal);
  await claim(folder, bucket.shown);
  let etag: string | undefined;
  const look = async (): Promise<boolean> => {
    const found = await bucket.get(POINTER, etag);
    if (found === 'same') return false;
    if (found === undefined) {
      throw new TwoTowerError(
        'SERVING_STORE',
        `${bucket.shown} has no current version`,
        `Publish one: twotower publish RUN --to ${bucket.shown}`,
      );
    }
    const pointer = parsePointer(await found.response.text(), `${bucket.shown}/${POINTER}`);
    for (const { version } of sharesOf(pointer)) {
      if (existsSync(versionFolder(folder, version))) continue;
      const { bytes } = await fetchVersion(bucket, folder, version);
      log.info({ version, bytes }, `fetched from ${bucket.shown}`);
    }
    await writePointer(folder, pointer);
    etag = found.etag;
    return true;
  };
  let looking: Promise<boolean> | undefined;
  const sync = () => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  let complaint: string | undefined;
  const follow = async () => {
    try {
      await sync();
      if (complaint !== undefined) log.info(`${bucket.shown} is followed again`);
      complaint = undefined;
    } catch (error) {
      const message = (error as Error).message.split('\n')[0]!;
      // Once, not every two seconds.
      if (message !== complaint && !closing.signal.aborted)
        log.warn(`${message}; what was fetched before is served on`);
      complaint = message;
    }
  };
  if ((await readPointer(folder)) === undefined) await sync();
  else await follow();
  const timer = pollMs > 0 ? setInterval(() => void follow(), pollMs).unref() : undefined;
  return {
    folder,
    sync,
    async close() {
      clearInterval(timer);
      closing.abort(new TwoTowerError('SERVING_CLOSED', `${bucket.shown} is not asked any more`));
      await looking?.catch(() => {});
    },
  };
}

/** A folder follows one store only: the versions of another would be taken for its. @throws USAGE */
async function claim(folder: string, shown: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, ORIGIN);
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known === undefined && existsSync(join(folder, VERSIONS))) {
    throw new TwoTowerError('USAGE', `${folder} is a store of its own`, 'Give another folder for what is fetched.');
  }
  if (known !== undefined && known.trim() !== shown) {
    throw new TwoTowerError('USAGE', `${folder} follows ${known.trim()}, not ${shown}`, 'Give another folder.');
  }
  if (known === undefined) await writeFileAtomic(file, `${shown}\n`);
  await prepareStore(folder);
}
