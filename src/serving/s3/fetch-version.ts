import { createHash } from 'node:crypto';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TwoTowerError } from '../../errors.js';
import { writeFolderAtomic } from '../../files.js';
import type { Bucket } from '../../s3/bucket.js';
import { type Manifest, parseManifest } from '../manifest.js';
import { VERSIONS, versionFolder } from '../store.js';
import { VERSION_FILES } from '../version-files.js';

/** Attempts at a file whose transfer breaks off. */
const ATTEMPTS = 3;
/** A name in a manifest leads nowhere but below its version. */
const NAME = /^(?!.*(?:^|\/)\.+(?:\/|$))[\w.@=+-]+(?:\/[\w.@=+-]+)*$/;

/** Fetches a version into a store: it appears whole, with the checksums of its manifest, or not at all. @throws SERVING_STORE, S3_… */
export async function fetchVersion(bucket: Bucket, store: string, id: string): Promise<{ bytes: number }> {
  if (!NAME.test(id) || id.includes('/')) throw damaged(`${bucket.shown}: "${id}" is no version`);
  const at = `${VERSIONS}/${id}`;
  let bytes = 0;
  await writeFolderAtomic(versionFolder(store, id), async (temporary) => {
    const { text, manifest } = await remoteManifest(bucket, id);
    for (const [name, file] of Object.entries(manifest.files)) {
      if (!NAME.test(name)) throw damaged(`${bucket.shown}/${at}: its manifest names the file ${JSON.stringify(name)}`);
      const target = join(temporary, name);
      await mkdir(dirname(target), { recursive: true });
      for (let attempt = 1; ; attempt++) {
        const why = await fetchFile(bucket, `${at}/${name}`, target, file);
        if (why === undefined) break;
        if (attempt === ATTEMPTS) throw damaged(`${bucket.shown}/${at}/${name} ${why}`);
      }
      bytes += file.bytes;
    }
    await writeFile(join(temporary, VERSION_FILES.manifest), text);
  });
  return { bytes };
}

/** The manifest of a version in a bucket; it is written last, so that there is none of half a version. @throws SERVING_STORE, S3_… */
export async function remoteManifest(bucket: Bucket, id: string): Promise<{ text: string; manifest: Manifest }> {
  const key = `${VERSIONS}/${id}/${VERSION_FILES.manifest}`;
  const found = await bucket.get(key);
  if (found === undefined || found === 'same') throw damaged(`${bucket.shown} has no ${key}`);
  const text = await found.response.text();
  return { text, manifest: parseManifest(text, `${bucket.shown}/${key}`) };
}

/** @returns what is wrong with what came */
async function fetchFile(
  bucket: Bucket,
  key: string,
  target: string,
  wanted: Manifest['files'][string],
): Promise<string | undefined> {
  const found = await bucket.get(key);
  if (found === undefined || found === 'same') throw damaged(`${bucket.shown}/${key} is missing`);
  const hash = createHash('sha256');
  let bytes = 0;
  const file = await open(target, 'w');
  try {
    for await (const chunk of (found.response.body ?? []) as AsyncIterable<Uint8Array>) {
      bucket.signal?.throwIfAborted();
      hash.update(chunk);
      bytes += chunk.length;
      await file.write(chunk);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A full disk is no reason to try again.
    if (code !== undefined && !/^(ECONN|ETIMEDOUT|UND_ERR|ERR_STREAM|EPIPE)/.test(code)) throw error;
    return `broke off after ${bytes} bytes`;
  } finally {
    await file.close();
  }
  if (bytes !== wanted.bytes) return `has ${bytes} bytes, written were ${wanted.bytes}`;
  return hash.digest('hex') === wanted.sha256 ? undefined : 'is damaged: its checksum is another';
}

function damaged(message: string): TwoTowerError {
  return new TwoTowerError('SERVING_STORE', message, 'Publish the runs again: twotower publish.');
}
