import type { Phase } from '../contract.js';
import { PROBE } from './probe-store.js';
import type { Shot } from './wire.js';

/** Lists that are ranked; a list-wise model takes no longer ones. */
export const LISTS = { short: 50, long: 1000 } as const;
/** Lengths of recommended lists. */
export const KS = [10, 100] as const;

const HEADERS = { 'content-type': 'application/json' };
/** Different requests of a kind. */
const DIFFERENT = 64;

/** @param kept whether the state of the user is kept: not that of one whose columns come with the request */
export function rankShots(count: number, phase: Phase, kept: boolean): Shot[] {
  return Array.from({ length: DIFFERENT }, (_, i) => {
    const candidates = Array.from({ length: count }, (_, j) => (i * 61 + j * 4) % PROBE.items);
    const asker = { user: (i * 3) % PROBE.users, ...(!kept && { userFields: {} }) };
    return { path: '/v1/rank', headers: HEADERS, body: JSON.stringify({ ...asker, phase, candidates }) };
  });
}

export function recommendShots(k: number): Shot[] {
  return Array.from({ length: DIFFERENT }, (_, i) => {
    return { path: '/v1/recommend', headers: HEADERS, body: JSON.stringify({ user: (i * 3) % PROBE.users, k }) };
  });
}
