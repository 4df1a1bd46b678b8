import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import { writeFileAtomic } from '../../files.js';

/** Names, in a store, the shared state that it is served with: one that was emptied or exchanged is noticed by whoever starts next. */
export const FLEET_FILE = 'fleet.json';

const schema = z.strictObject({ format: z.literal(1), epoch: z.string().min(1) });

/** The epoch of the state that a store is served with; undefined before the first time. @throws SERVING_STATE where the file is damaged */
export async function readEpoch(store: string): Promise<string | undefined> {
  const file = join(store, FLEET_FILE);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text)).epoch;
  } catch {
    throw new TwoTowerError('SERVING_STATE', `${file} is damaged`, 'Remove it: it is written again at the next start.');
  }
}

/** @returns whether it could be written: a store may be there for reading only */
export async function writeEpoch(store: string, epoch: string): Promise<boolean> {
  try {
    await writeFileAtomic(join(store, FLEET_FILE), `${JSON.stringify({ format: 1, epoch })}\n`);
    return true;
  } catch {
    // Another server may have written it at the same moment.
    return (await readEpoch(store).catch(() => undefined)) === epoch;
  }
}
