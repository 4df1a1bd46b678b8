/**
 * p-values corrected for being looked at together (Holm, "A simple sequentially rejective multiple test procedure", 1979):
 * where the corrected ones below α are called significant, the chance of even one false call is at most α, whatever the
 * comparisons have to do with each other.
 *
 * @param pValues each in [0, 1]
 * @returns in the same order, each in [0, 1] and at least as large as before
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!);
  const corrected = new Array<number>(pValues.length);
  let largest = 0;
  for (const [place, i] of order.entries()) {
    const p = pValues[i]!;
    if (!(p >= 0 && p <= 1)) throw new RangeError(`holm: p-value ${i} is ${p}`);
    largest = Math.max(largest, Math.min(1, (pValues.length - place) * p));
    corrected[i] = largest;
  }
  return corrected;
}
