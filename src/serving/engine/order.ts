import { radixDescending } from './radix-order.js';

/** Equal steps from the best score to the worst one, by score: nearly every score then has a step of its own. */
const STEPS_PER_SCORE = 2;
/** With more scores than these on one step they lie unevenly: putting each in its place would take long. */
const CROWDED = 12;

/** Memory of one sort that the next one uses again: asking for it anew takes longer than sorting. */
let room = 1024;
let steps = new Int32Array(room);
let places = new Int32Array(STEPS_PER_SCORE * room);
let sorted = new Float32Array(room);

/**
 * Positions 0 … count - 1 by descending score; equal scores (0 and -0 are) by ascending position, so that what comes in in an
 * order keeps it. Scores are dealt out to steps between the best and the worst, and the few on one step sorted by insertion: measured,
 * 1,000 of them in 0.012 ms, where `radixDescending` takes 0.02.
 *
 * @param scores finite
 */
export function descending(scores: Float32Array, count: number): Uint32Array {
  let best = Number.NEGATIVE_INFINITY;
  let worst = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const score = scores[i]!;
    if (score > best) best = score;
    if (score < worst) worst = score;
  }
  const most = STEPS_PER_SCORE * count;
  const perScore = (most - 1) / (best - worst);
  // All are equal, or there is none.
  if (!Number.isFinite(perScore)) return Uint32Array.from({ length: count }, (_, i) => i);
  if (count > room) {
    room = 2 * count;
    steps = new Int32Array(room);
    places = new Int32Array(STEPS_PER_SCORE * room);
    sorted = new Float32Array(room);
  }
  places.fill(0, 0, most);
  for (let i = 0; i < count; i++) {
    const step = ((best - scores[i]!) * perScore) | 0;
    steps[i] = step;
    places[step]!++;
  }
  let largest = 0;
  for (let step = 0, before = 0; step < most; step++) {
    const found = places[step]!;
    if (found > largest) largest = found;
    places[step] = before;
    before += found;
  }
  if (largest > CROWDED) return radixDescending(scores, count);
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const at = places[steps[i]!]!++;
    order[at] = i;
    sorted[at] = scores[i]!;
  }
  insert(order, count);
  return order;
}

/** Moves each of the `sorted` scores, with its position, before those that are worse: they stand on the same step. */
function insert(order: Uint32Array, count: number): void {
  for (let i = 1; i < count; i++) {
    const score = sorted[i]!;
    if (!(sorted[i - 1]! < score)) continue;
    const position = order[i]!;
    let at = i;
    do {
      sorted[at] = sorted[at - 1]!;
      order[at] = order[at - 1]!;
      at--;
    } while (at > 0 && sorted[at - 1]! < score);
    sorted[at] = score;
    order[at] = position;
  }
}
