import { encodeFrame, FRAME_TYPE } from '../src/serving/http/frame.js';
import type { Shot } from './serve-load.js';

const JSON_HEADERS = { 'content-type': 'application/json' };
const FRAME_HEADERS = { 'content-type': FRAME_TYPE };
/** Candidates of 64 rankings. */
export const rankCandidates = (count: number, items: number) =>
  Array.from({ length: 64 }, (_, i) => Int32Array.from({ length: count }, (_, j) => (i * 7919 + j * 31) % items));

/** Rankings of many users, each with other candidates. */
export function rankShots(count: number, items: number, form: 'json' | 'frame', phase: string): Shot[] {
  return rankCandidates(count, items).map((candidates, i) => {
    const head = { user: i * 13, phase, context: { surface: `p${i % 3}` } };
    if (form === 'frame')
      return { path: '/v1/rank', headers: FRAME_HEADERS, body: encodeFrame({ head, arrays: { candidates } }) };
    return { path: '/v1/rank', headers: JSON_HEADERS, body: JSON.stringify({ ...head, candidates: [...candidates] }) };
  });
}

export function recommendShots(): Shot[] {
  return Array.from({ length: 256 }, (_, i) => {
    const body = JSON.stringify({ user: i * 37, k: 20, context: { surface: `p${i % 3}` } });
    return { path: '/v1/recommend', headers: JSON_HEADERS, body };
  });
}
