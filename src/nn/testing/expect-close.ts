import { expect } from 'vitest';

/** As many numbers, and each within half a unit of the given decimal. */
export function expectClose(found: readonly number[], wanted: ArrayLike<number>, digits = 5): void {
  expect(found.length).toBe(wanted.length);
  for (const [i, value] of found.entries()) {
    expect(value, `[${i}] of ${found}, wanted ${Array.from(wanted)}`).toBeCloseTo(wanted[i]!, digits);
  }
}
