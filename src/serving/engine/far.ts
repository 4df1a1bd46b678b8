/** A table up to this size lies in the processor's caches, most of it, where looking ahead costs more than it saves. */
const NEAR_BYTES = 4 * 2 ** 20;

/**
 * Whether rows of a table that lie apart are worth a first look at each, which lets the processor fetch many at a time, where whoever
 * reads them one after the other waits for each. Measured, 1,000 products of 32 values: over 10,000 rows 0.025 ms without and 0.028
 * with it, over 50,000 the same, over a million 0.19 without and 0.07 with it.
 */
export function isFar(bytes: number): boolean {
  return bytes > NEAR_BYTES;
}
