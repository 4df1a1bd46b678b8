/** Candidates that one sort can take: positions share a double with the bits of the score. */
export const MOST_CANDIDATES = 1 << 20;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * Positions 0 … count - 1 by descending score; equal scores (0 and -0 are) by ascending position, so that what comes in in an
 * order keeps it. Sorting plain numbers is several times faster than sorting with a comparison.
 *
 * @param scores finite
 */
export function descending(scores: Float32Array, count: number): Uint32Array {
  if (count > MOST_CANDIDATES) throw new RangeError(`${count} candidates, at most ${MOST_CANDIDATES} can be sorted`);
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    float[0] = scores[i]! + 0;
    // Bits of a float ascend with it once those of negative ones are turned over.
    const raw = bits[0]!;
    const ascending = raw >>> 31 === 1 ? ~raw >>> 0 : (raw | 0x80000000) >>> 0;
    keys[i] = (0xffffffff - ascending) * MOST_CANDIDATES + i;
  }
  keys.sort();
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = keys[i]! % MOST_CANDIDATES;
  return order;
}
