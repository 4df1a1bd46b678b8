import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FunnelOptions } from './options.js';
import { writeFunnel } from './write.js';

/** Raised when the same options make another world. */
const VERSION = 1;

/** A generated world in a cache: made when it is first asked for. @returns the folder of its files */
export async function generatedFunnel(
  cache: string,
  options: FunnelOptions,
  onProgress?: (done: number) => void,
): Promise<string> {
  const key = createHash('sha256')
    .update(JSON.stringify([VERSION, options]))
    .digest('hex');
  const folder = join(cache, `funnel-${key.slice(0, 16)}`);
  if (!existsSync(folder)) await writeFunnel(folder, options, onProgress);
  return folder;
}
