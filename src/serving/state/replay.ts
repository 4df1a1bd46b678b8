import type { ChangeReport } from '../contract.js';
import type { StoredRow } from './apply.js';
import { applyEvents, applyItems, applyRows, applyUsers, inBlocks } from './apply.js';
import type { ChangeTarget, StoredEvent } from './serving-state.js';

/** Everything that is stored, compacted. */
export interface Compacted {
  items(): AsyncIterable<StoredRow>;
  users(): AsyncIterable<StoredRow>;
  /** Keys of the users who were removed at some time: what they had before is gone, also where they came back. */
  removedUsers(): AsyncIterable<string>;
  /** Without those of users who were removed later. */
  events(): AsyncIterable<StoredEvent>;
}

/**
 * Applies everything that is stored, to what was just loaded or to what has fallen behind. Rows that cannot be applied are told
 * and passed over.
 *
 * @throws what reading does
 */
export async function replayAll(
  stored: Compacted,
  target: ChangeTarget,
  warn: (message: string) => void,
): Promise<{ rows: number }> {
  let rows = 0;
  const told = (error: Error) => warn(`a stored change was not applied: ${error.message}`);
  const count = async (work: Promise<ChangeReport>) => {
    // Each row that failed was told.
    const { applied, ignored } = await work.catch(() => ({ applied: 0, ignored: 0 }));
    rows += applied + ignored;
  };
  for await (const block of inBlocks(stored.items())) await count(applyItems(target, block, told));
  for await (const block of inBlocks(stored.removedUsers())) {
    await applyRows(block, (keys) => target.deleteUsers(keys), told).catch(() => {});
  }
  for await (const block of inBlocks(stored.users())) await count(applyUsers(target, block, told));
  for await (const block of inBlocks(stored.events())) await count(applyEvents(target, block, told));
  return { rows };
}
