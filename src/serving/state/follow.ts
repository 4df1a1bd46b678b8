import { APPLY_ROWS, applyEvents, applyItems, applyUsers, type StoredRow } from './apply.js';
import type { Outcome } from './pending-writes.js';
import type { ChangeTarget, StoredEvent } from './serving-state.js';
import type { LogEntry, Position } from './shared-log.js';

/** Entries that are applied together. */
export interface Group {
  kind: LogEntry['kind'];
  rows: LogEntry['rows'];
  /** The last of them. */
  end: Position;
  /** Whether somebody here waits for what comes of it: then it is one entry. */
  isOwn: boolean;
}

/**
 * Neighbouring entries of one kind as one change, which is much faster for a server that has to catch up. Not those of users, of whom
 * a removal and a return are more than the last of the two, nor our own, for each of which somebody waits.
 *
 * @returns the groups, and whether an entry before the next one is missing
 */
export function grouped(
  entries: readonly LogEntry[],
  after: Position,
  writer: string,
): { groups: Group[]; gap: boolean } {
  const groups: Group[] = [];
  let { n } = after;
  for (const entry of entries) {
    if (entry.n !== n + 1) return { groups, gap: true };
    n = entry.n;
    const isOwn = entry.writer === writer;
    const last = groups.at(-1);
    const end = { n, id: entry.id };
    const isMore =
      last !== undefined &&
      !last.isOwn &&
      !isOwn &&
      entry.kind !== 'u' &&
      last.kind === entry.kind &&
      last.rows.length < APPLY_ROWS;
    if (isMore) {
      last.rows = [...last.rows, ...entry.rows] as LogEntry['rows'];
      last.end = end;
    } else {
      groups.push({ kind: entry.kind, rows: entry.rows, end, isOwn });
    }
  }
  return { groups, gap: false };
}

/** Applies a group. What cannot be applied is told; nothing is thrown, as the log goes on. */
export async function applyGroup(
  { kind, rows }: Group,
  target: ChangeTarget,
  warn: (error: Error) => void,
): Promise<Outcome> {
  try {
    if (kind === 'e') return await applyEvents(target, rows as StoredEvent[], warn);
    if (kind === 'u') return await applyUsers(target, rows as StoredRow[], warn);
    // Of several changes of an item the last one counts.
    return await applyItems(target, [...new Map((rows as StoredRow[]).map((row) => [row[0], row])).values()], warn);
  } catch (error) {
    return error as Error;
  }
}
