import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { DatasetConfig } from './config.js';

/** SHA-256 over what the description says and the bytes of the files, wherever they lie: with the split and without. */
export async function hashesOf(config: DatasetConfig, files: string[]): Promise<{ hash: string; logHash: string }> {
  const { file: _, root: __, about: ___, download: ____, generate: _____, ...said } = config;
  const { split: ______, ...unsplit } = said;
  const hash = createHash('sha256').update(JSON.stringify(said));
  const logHash = createHash('sha256').update(JSON.stringify(unsplit));
  for (const file of files) {
    for (const one of [hash, logHash]) one.update('\0');
    for await (const block of createReadStream(file)) {
      for (const one of [hash, logHash]) one.update(block as Buffer);
    }
  }
  return { hash: hash.digest('hex'), logHash: logHash.digest('hex') };
}
