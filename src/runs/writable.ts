import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { TwoTowerError } from '../errors.js';

/**
 * For a folder whose work the same command goes on with: refuses one that holds things and none of the names in `own`, which such work
 * leaves.
 *
 * @throws USAGE
 */
export function refuseForeignFolder(folder: string, own: readonly string[]): void {
  refuseUnwritable(folder);
  if (!existsSync(folder)) return;
  const entries = readdirSync(folder).filter((entry) => !entry.endsWith('.partial'));
  if (entries.length === 0 || entries.some((entry) => own.includes(entry))) return;
  throw new TwoTowerError(
    'USAGE',
    `${folder} holds ${entries[0]}, and nothing of what is done there`,
    'Name another --out.',
  );
}

/** No work is begun whose result could not be written. @throws USAGE where neither a file nor a folder can be made at a path */
export function refuseUnwritable(path: string): void {
  let above = resolve(path);
  while (!existsSync(above)) above = dirname(above);
  if (!statSync(above).isDirectory()) {
    throw new TwoTowerError('USAGE', `${path}: ${above} is a file, where a folder is needed`, 'Name another path.');
  }
  try {
    accessSync(above, constants.W_OK);
  } catch {
    throw new TwoTowerError('USAGE', `${path}: no permission to write in ${above}`, 'Name another path.');
  }
}
