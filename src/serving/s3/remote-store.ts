import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { TwoTowerError } from '../../errors.js';
import type { Bucket, Upload } from '../../s3/bucket.js';
import { parseManifest, readManifest } from '../manifest.js';
import {
  POINTER,
  type Pointer,
  parsePointer,
  pointerText,
  refuseUnknown,
  rolledBack,
  type StoredVersion,
  sharesOf,
  used,
  VERSIONS,
} from '../store.js';
import { VERSION_FILES } from '../version-files.js';
import { remoteManifest } from './fetch-version.js';

/** What one request may carry. */
const MOST_BYTES = 5 * 2 ** 30;
/** Others may move the pointer at the same time, so often at most. */
const ATTEMPTS = 10;

/**
 * Sends a version of a local store: its files, each with its checksum, then its manifest. Until that is there it is no version, and
 * until the pointer names it nobody looks for it.
 *
 * @throws SERVING_STORE, S3_…
 */
export async function sendVersion(bucket: Bucket, folder: string, id: string): Promise<void> {
  const { files } = await readManifest(folder);
  const large = Object.entries(files).find(([, { bytes }]) => bytes > MOST_BYTES);
  if (large !== undefined) {
    throw new TwoTowerError(
      'SERVING_STORE',
      `${large[0]} has ${large[1].bytes} bytes, more than one upload carries (${MOST_BYTES})`,
      'Publish to a shared folder.',
    );
  }
  const send = (name: string, bytes: number, hash: string) =>
    bucket.put(`${VERSIONS}/${id}/${name}`, {
      bytes,
      sha256: hash,
      body: () => Readable.toWeb(createReadStream(join(folder, name))) as ReadableStream<Uint8Array>,
    });
  for (const [name, { bytes, sha256: hash }] of Object.entries(files)) await send(name, bytes, hash);
  const file = join(folder, VERSION_FILES.manifest);
  await bucket.put(`${VERSIONS}/${id}/${VERSION_FILES.manifest}`, uploadOf(await readFile(file, 'utf8')));
}

/** As `useVersion` of a folder. */
export async function useRemote(bucket: Bucket, id: string, share?: number): Promise<Pointer> {
  refuseUnknown(bucket.shown, id, await bucket.folders(VERSIONS));
  await remoteManifest(bucket, id);
  return movePointer(bucket, (pointer) => used(pointer, id, share));
}

/** As `rollBack` of a folder. */
export async function rollBackRemote(bucket: Bucket): Promise<Pointer> {
  const versions = await completeVersions(bucket);
  return movePointer(bucket, (pointer) =>
    rolledBack(
      bucket.shown,
      pointer,
      versions.map(({ id }) => id),
    ),
  );
}

/** As `describeStore` of a folder. */
export async function describeRemote(bucket: Bucket): Promise<StoredVersion[]> {
  const pointer = (await pointerOf(bucket))?.pointer;
  const shares = sharesOf(pointer);
  return (await completeVersions(bucket)).map(({ id, manifest }) => ({
    id,
    manifest,
    share: shares.find(({ version }) => version === id)?.share ?? 0,
  }));
}

/** Versions whose manifest is there; what was not sent to its end is none. */
async function completeVersions(bucket: Bucket): Promise<Pick<StoredVersion, 'id' | 'manifest'>[]> {
  const found: Pick<StoredVersion, 'id' | 'manifest'>[] = [];
  for (const id of await bucket.folders(VERSIONS)) {
    const key = `${VERSIONS}/${id}/${VERSION_FILES.manifest}`;
    const object = await bucket.get(key);
    if (object === undefined || object === 'same') continue;
    const text = await object.response.text();
    let manifest: StoredVersion['manifest'];
    try {
      manifest = parseManifest(text, `${bucket.shown}/${key}`);
    } catch {
      manifest = undefined;
    }
    found.push({ id, manifest });
  }
  return found;
}

/** A bucket's pointer and its ETag; undefined where nothing was made current yet. @throws SERVING_STORE where it is damaged */
async function pointerOf(bucket: Bucket): Promise<{ pointer: Pointer; etag: string } | undefined> {
  const found = await bucket.get(POINTER);
  if (found === undefined || found === 'same') return undefined;
  const pointer = parsePointer(await found.response.text(), `${bucket.shown}/${POINTER}`);
  return { pointer, etag: found.etag };
}

/**
 * Moves the pointer from what it is to what `change` makes of it, also where another publication moves it meanwhile. One that is
 * damaged is as good as none.
 */
async function movePointer(bucket: Bucket, change: (pointer: Pointer | undefined) => Pointer): Promise<Pointer> {
  let tried: string | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = await bucket.get(POINTER);
    const now =
      found === undefined || found === 'same' ? undefined : { etag: found.etag, text: await found.response.text() };
    const pointer = now && pointerOrNone(now.text);
    // Ours was taken and the answer lost on its way: the attempt after it found another ETag.
    if (pointer !== undefined && now!.text === tried) return pointer;
    const next = change(pointer);
    tried = pointerText(next);
    if (await bucket.put(POINTER, uploadOf(tried), now?.etag ?? 'none')) return next;
  }
  throw new TwoTowerError(
    'SERVING_STORE',
    `${bucket.shown}/${POINTER} is moved by others all the time`,
    'Publish again; the version itself is there: twotower publish --use VERSION.',
  );
}

function pointerOrNone(text: string): Pointer | undefined {
  try {
    return parsePointer(text, POINTER);
  } catch {
    return undefined;
  }
}

function uploadOf(text: string): Upload {
  return { body: () => text, bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') };
}
