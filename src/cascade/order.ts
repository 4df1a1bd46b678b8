import { unusableScore } from '../evaluation/checks.js';

/**
 * The best of each request's candidates: higher score first, equal scores by lower item row, as everywhere.
 *
 * @param lists item rows, [B · n]
 * @param scores [B · n]
 * @param k how many are kept, at most n
 * @throws TRAIN_DIVERGED on NaN
 * @returns positions within each list, best first, [B · k]
 */
export function bestPositions(lists: Int32Array, scores: Float32Array, n: number, k: number): Int32Array {
  const requests = n === 0 ? 0 : lists.length / n;
  const best = new Int32Array(requests * k);
  const order = Array.from({ length: n }, (_, position) => position);
  for (let request = 0; request < requests; request++) {
    const at = request * n;
    const bad = scores.subarray(at, at + n).findIndex(Number.isNaN);
    if (bad >= 0) throw unusableScore('cascade', bad, Number.NaN);
    order.sort((a, b) => scores[at + b]! - scores[at + a]! || lists[at + a]! - lists[at + b]!);
    for (let i = 0; i < k; i++) best[request * k + i] = order[i]!;
  }
  return best;
}

/** What stands at positions of each list: [B · k]. */
export function take(lists: Int32Array, n: number, positions: Int32Array, k: number): Int32Array {
  return positions.map((position, i) => lists[Math.floor(i / k) * n + position]!);
}
