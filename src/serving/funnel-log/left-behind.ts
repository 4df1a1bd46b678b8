import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DurableMap, type Operation } from '../store/database.js';

/** Entries that are moved at once. */
const BLOCK = 500;

/**
 * Takes over the requests that servers of the same fleet left waiting when they ended. Which of them still run is told by the lock on
 * their folder. A server that is killed between copying and removing a block leaves its requests twice.
 *
 * @param folder of all servers' waiting requests
 * @param own name in it, and what is in there
 * @returns how many entries were taken
 */
export async function takeLeftBehind(folder: string, own: { name: string; map: DurableMap }): Promise<number> {
  let taken = 0;
  for (const name of await readdir(folder)) {
    if (!name.startsWith('pending') || name === own.name) continue;
    const left = await DurableMap.open(join(folder, name)).catch(() => undefined);
    // It runs.
    if (left === undefined) continue;
    try {
      for (;;) {
        const operations: Operation[] = [];
        for await (const [key, value] of left.entries({ gte: 'a', lt: '{', limit: BLOCK })) {
          operations.push({ type: 'put', key, value });
        }
        if (operations.length === 0) break;
        await own.map.write(operations);
        await left.write(operations.map(({ key }) => ({ type: 'del', key })));
        taken += operations.length;
      }
    } finally {
      await left.close();
    }
    await rm(join(folder, name), { recursive: true, force: true });
  }
  return taken;
}
