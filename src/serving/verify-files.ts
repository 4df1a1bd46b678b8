import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TwoTowerError } from '../errors.js';
import { sha256 } from '../files.js';
import type { Manifest } from './manifest.js';
import { REMEDY } from './version-files.js';

/** Compares every file of a version with its manifest: first their sizes, which costs nothing, then their checksums. @throws SERVING_STORE */
export async function verifyFiles(folder: string, { files }: Manifest): Promise<void> {
  for (const [name, { bytes }] of Object.entries(files)) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found === undefined)
      throw new TwoTowerError('SERVING_STORE', `${folder} is incomplete: ${name} is missing`, REMEDY);
    if (found.size !== bytes) {
      throw new TwoTowerError(
        'SERVING_STORE',
        `${join(folder, name)} has ${found.size} bytes, written were ${bytes}`,
        REMEDY,
      );
    }
  }
  for (const [name, { sha256: wanted }] of Object.entries(files)) {
    if ((await sha256(join(folder, name))) !== wanted) {
      throw new TwoTowerError('SERVING_STORE', `${join(folder, name)} is damaged: its checksum is another`, REMEDY);
    }
  }
}
