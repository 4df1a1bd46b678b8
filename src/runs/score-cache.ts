import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../files.js';

/** Kept scores lie in this folder beside the run folders; it may be removed at any time. */
export const SCORE_CACHE = '.scores';
/** Bytes of all files together, beyond which those that were not used for longest go. */
const MOST_BYTES = 2 * 2 ** 30;
const KEPT_FILE = /^[0-9a-f]{32}\.f32$/;

/** What scores depend on; another key is another file. */
export function scoreKey(parts: readonly (string | ArrayBufferView)[]): string {
  const hash = createHash('sha256').update(`scores 1 ${endianness()}`);
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : bytesOf(part);
    hash.update(`\0${bytes.byteLength}\0`).update(bytes);
  }
  return hash.digest('hex');
}

export interface ScoreCache {
  folder: string;
  /** Told what is wrong with a file. */
  warn: (message: string) => void;
  /** Bytes of all files together (2 GiB); the one just written stays however large it is. */
  most?: number;
}

/**
 * The scores kept under a key; computed and then kept where there are none. A file is a line with the key and the SHA-256 of
 * the bytes after it, which are `count` float32; what is damaged counts as none and is told to `warn`. A file's time is that of
 * its last use.
 */
export async function keptScores(
  { folder, warn, most = MOST_BYTES }: ScoreCache,
  key: string,
  count: number,
  compute: () => Promise<Float32Array>,
): Promise<Float32Array> {
  const file = join(folder, `${key.slice(0, 32)}.f32`);
  const kept = await readScores(file, key, count, warn);
  if (kept !== undefined) {
    const now = new Date();
    // It may lie where others may only read, or be gone by now.
    await utimes(file, now, now).catch(() => {});
    return kept;
  }
  const scores = await compute();
  const bytes = bytesOf(scores);
  await writeFileAtomic(file, Buffer.concat([Buffer.from(`${lineOf(key, bytes)}\n`), bytes]));
  await forget(folder, file, most);
  return scores;
}

/** Removes kept scores, those unused for longest first, until what is left beside `newest` fits. Other processes may do the same. */
async function forget(folder: string, newest: string, most: number): Promise<void> {
  const names = (await readdir(folder)).filter((name) => KEPT_FILE.test(name));
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const about = await stat(path).catch(() => undefined);
      return {
        path,
        bytes: about?.size ?? 0,
        used: path === newest ? Number.POSITIVE_INFINITY : (about?.mtimeMs ?? 0),
      };
    }),
  );
  found.sort((a, b) => b.used - a.used);
  let bytes = 0;
  for (const one of found) {
    bytes += one.bytes;
    if (bytes > most && one.path !== newest) await rm(one.path, { force: true });
  }
}

async function readScores(
  file: string,
  key: string,
  count: number,
  warn: ScoreCache['warn'],
): Promise<Float32Array | undefined> {
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    warn(`${file}: ${(error as Error).message}; its scores are computed again`);
    return undefined;
  }
  const end = content.indexOf('\n');
  const bytes = content.subarray(end + 1);
  if (content.subarray(0, Math.max(0, end)).toString() !== lineOf(key, bytes) || bytes.byteLength !== 4 * count) {
    warn(`${file} is damaged; its scores are computed again`);
    return undefined;
  }
  // A copy of its own: the file's bytes need not lie at a multiple of four.
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

const lineOf = (key: string, bytes: Uint8Array) => `${key} ${createHash('sha256').update(bytes).digest('hex')}`;

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength);
