import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../files.js';

/** Kept scores lie in this folder beside the run folders; it may be removed at any time. */
export const SCORE_CACHE = '.scores';

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
}

/**
 * The scores kept under a key; computed and then kept where there are none. A file is a line with the key and the SHA-256 of
 * the bytes after it, which are `count` float32; what is damaged counts as none and is told to `warn`.
 */
export async function keptScores(
  { folder, warn }: ScoreCache,
  key: string,
  count: number,
  compute: () => Promise<Float32Array>,
): Promise<Float32Array> {
  const file = join(folder, `${key.slice(0, 32)}.f32`);
  const kept = await readScores(file, key, count, warn);
  if (kept !== undefined) return kept;
  const scores = await compute();
  const bytes = bytesOf(scores);
  await writeFileAtomic(file, Buffer.concat([Buffer.from(`${lineOf(key, bytes)}\n`), bytes]));
  return scores;
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
