import type { FileHandle } from 'node:fs/promises';
import { TwoTowerError } from '../../errors.js';
import { fillFileAtomic } from '../../files.js';
import type { TableObject } from './find.js';

/** Attempts in a row that bring no byte. */
const ATTEMPTS = 4;
/** Milliseconds without a byte after which an attempt is given up. */
const SILENCE_MS = 30_000;

/**
 * Fetches an object into a file, which appears whole or not at all. A transfer that breaks off goes on from where it was, as long as
 * the object is the one that was found (by its ETag).
 *
 * @param onBytes told how many bytes came since it was told last
 * @throws DATA_SOURCE where the object was changed meanwhile; S3_REFUSED, S3_UNREACHABLE
 */
export async function fetchObject(
  { bucket, object, shown }: TableObject,
  target: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  await fillFileAtomic(target, async (file) => {
    let done = 0;
    for (let idle = 0; done < object.bytes; idle++) {
      if (idle === ATTEMPTS) throw brokeOff(shown, done, object.bytes);
      const response = await bucket.read(object, done);
      if (response === 'changed') throw changed(shown);
      await refuseEncoded(shown, response);
      // A service that knows no ranges begins anew.
      let at = response.status === 206 ? done : 0;
      for await (const chunk of chunksOf(response)) {
        bucket.signal?.throwIfAborted();
        if (at + chunk.length > object.bytes) throw changed(shown);
        await writeAt(file, chunk, at, target);
        at += chunk.length;
        if (at <= done) continue;
        onBytes(at - done);
        done = at;
        idle = -1;
      }
    }
  });
}

/** What comes of a body until it ends or breaks off. */
async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  if (reader === undefined) return;
  const timer = setTimeout(() => void reader.cancel().catch(() => {}), SILENCE_MS);
  try {
    for (;;) {
      const { value } = await reader.read().catch(() => ({ value: undefined }));
      if (value === undefined) return;
      timer.refresh();
      yield value;
    }
  } finally {
    clearTimeout(timer);
    await reader.cancel().catch(() => {});
  }
}

/** `write` may write a part, and its errors name no file. */
async function writeAt(file: FileHandle, chunk: Uint8Array, at: number, target: string): Promise<void> {
  try {
    for (let from = 0; from < chunk.length; ) {
      from += (await file.write(chunk, from, chunk.length - from, at + from)).bytesWritten;
    }
  } catch (error) {
    throw Object.assign(error as Error, { path: target });
  }
}

/** What is stored with this header arrives unpacked, and is not what lies in the bucket. */
async function refuseEncoded(shown: string, { headers, body }: Response): Promise<void> {
  const encoding = headers.get('content-encoding') ?? '';
  if (!/gzip|deflate|br|zstd/i.test(encoding)) return;
  await body?.cancel();
  throw new TwoTowerError(
    'DATA_SOURCE',
    `${shown}: it is stored with "Content-Encoding: ${encoding}"`,
    'Store the object without this header; that a file is packed is told by its name (.csv.gz).',
  );
}

function changed(shown: string): TwoTowerError {
  return new TwoTowerError(
    'DATA_SOURCE',
    `${shown} was changed or removed while it was fetched`,
    'Run it again once nobody writes there.',
  );
}

function brokeOff(shown: string, done: number, bytes: number): TwoTowerError {
  return new TwoTowerError(
    'S3_UNREACHABLE',
    `${shown}: the transfer broke off after ${done} of ${bytes} bytes, again and again`,
    'Check the network, and run it again: what was fetched whole is kept.',
  );
}
