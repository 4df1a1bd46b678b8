import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { TwoTowerError } from '../errors.js';
import { RUN_FILES } from '../runs/folder.js';

/** Removes what a run leaves behind that was killed while its folder was made; files of anyone else are never touched. @throws USAGE */
export async function removeUnbegun(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  const own = new Set<string>(Object.values(RUN_FILES));
  const foreign = readdirSync(folder).find((entry) => !own.has(entry) && !entry.endsWith('.partial'));
  if (foreign === undefined) return rm(folder, { recursive: true });
  throw new TwoTowerError('USAGE', `${folder} holds ${foreign}, which is no part of a run`, 'Name another --out.');
}
