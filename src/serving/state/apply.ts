import type { ChangeReport, ItemRow } from '../contract.js';
import type { ChangeTarget, StoredEvent } from './serving-state.js';

/** What stands under a key, or with null that nothing does. */
export type StoredRow = readonly [key: string, values: ItemRow['values'] | null];

/** Rows that are given to the engine at once. */
export const APPLY_ROWS = 1_000;

type Warn = (error: Error) => void;

/**
 * Applies rows together, and where that fails one by one: a bad row must not take the others with it.
 *
 * @throws what the target does, where no row could be applied
 */
export async function applyRows<T>(
  rows: readonly T[],
  apply: (rows: readonly T[]) => Promise<ChangeReport>,
  warn: Warn,
): Promise<ChangeReport> {
  const sum = { applied: 0, ignored: 0 };
  if (rows.length === 0) return sum;
  try {
    return await apply(rows);
  } catch (error) {
    if (rows.length === 1) {
      warn(error as Error);
      throw error;
    }
  }
  let failed = 0;
  let last: unknown;
  for (const row of rows) {
    try {
      add(sum, await apply([row]));
    } catch (error) {
      warn(error as Error);
      failed++;
      last = error;
    }
  }
  if (failed === rows.length) throw last;
  return sum;
}

/** Puts items that have values and removes those that have none. @throws as `applyRows` */
export function applyItems(target: ChangeTarget, rows: readonly StoredRow[], warn: Warn): Promise<ChangeReport> {
  return applyBoth(
    rows,
    (puts) => applyRows(puts, (some) => target.putItems(some), warn),
    (keys) => applyRows(keys, (some) => target.deleteItems(some), warn),
  );
}

/** Puts users that have values and removes those that have none. @throws as `applyRows` */
export function applyUsers(target: ChangeTarget, rows: readonly StoredRow[], warn: Warn): Promise<ChangeReport> {
  return applyBoth(
    rows,
    (puts) => applyRows(puts, (some) => target.putUsers(some), warn),
    (keys) => applyRows(keys, (some) => target.deleteUsers(some), warn),
  );
}

/** @throws as `applyRows` */
export function applyEvents(target: ChangeTarget, events: readonly StoredEvent[], warn: Warn): Promise<ChangeReport> {
  return applyRows(events, (some) => target.addEvents(some), warn);
}

/** Blocks of what comes one by one. */
export async function* inBlocks<T>(rows: AsyncIterable<T>, size = APPLY_ROWS): AsyncGenerator<T[]> {
  let block: T[] = [];
  for await (const row of rows) {
    block.push(row);
    if (block.length < size) continue;
    yield block;
    block = [];
  }
  if (block.length > 0) yield block;
}

export function add(sum: ChangeReport, { applied, ignored }: ChangeReport): ChangeReport {
  sum.applied += applied;
  sum.ignored += ignored;
  return sum;
}

async function applyBoth(
  rows: readonly StoredRow[],
  put: (rows: ItemRow[]) => Promise<ChangeReport>,
  remove: (keys: string[]) => Promise<ChangeReport>,
): Promise<ChangeReport> {
  const puts: ItemRow[] = [];
  const removals: string[] = [];
  for (const [key, values] of rows) {
    if (values === null) removals.push(key);
    else puts.push({ key, values });
  }
  const sum = { applied: 0, ignored: 0 };
  add(sum, await put(puts));
  return add(sum, await remove(removals));
}
