import { createHash } from 'node:crypto';
import type { Key } from './contract.js';
import { canonicalKey } from './engine/raw-table.js';

/**
 * Which of two versions a user falls to: the same one every time, as long as the share stays; where it grows, users only move to
 * the trial. Requests without a user are drawn.
 *
 * @param share of the trial, 0 to 1
 */
export function fallsToTrial(user: Key | undefined, share: number): boolean {
  if (share <= 0) return false;
  const key = canonicalKey(user);
  return (key === undefined ? Math.random() : placeOf(key)) < share;
}

/** A user's place in [0, 1). */
function placeOf(key: string | number): number {
  return createHash('sha1').update(String(key)).digest().readUInt32LE(0) / 2 ** 32;
}
