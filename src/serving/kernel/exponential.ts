import type { Code } from '../../assembler.js';

/** Beyond these the result is no normal float. */
const LEAST = -87;
const MOST = 88;
/** 1.5 · 2²³: beside it a float has no bits behind the point left, and a small whole number in its last ones. */
const ROUNDING = 12_582_912;
/** ln 2 in two parts, so that the first one's multiples are exact. */
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.1219444005469057e-4;
/** e^r - 1 - r divided by r², for |r| ≤ ln 2 / 2: highest power first (Cephes, expf). */
const POLYNOMIAL = [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1];

/**
 * e^x of four floats on the stack, to some units in the last place; x below -87 is as -87.
 *
 * @param x and
 * @param power locals that it may use
 */
export function exponential(code: Code, x: number, power: number): void {
  code.float(LEAST).simd('larger').float(MOST).simd('smaller').tee(x);
  code.float(Math.LOG2E).simd('multiply').float(ROUNDING).simd('add').set(power);
  for (const part of [LN2_HIGH, LN2_LOW]) {
    code.get(x).get(power).float(ROUNDING).simd('subtract').float(part).simd('multiply').simd('subtract').set(x);
  }
  code.float(POLYNOMIAL[0]!);
  for (const factor of POLYNOMIAL.slice(1)) code.get(x).simd('multiply').float(factor).simd('add');
  code.get(x).simd('multiply').get(x).simd('multiply').get(x).simd('add').float(1).simd('add');
  // 2^n: n, in the last bits of what was rounded, becomes an exponent.
  code
    .get(power)
    .int(23)
    .simd('shiftLeft')
    .ints(127 << 23)
    .simd('addInts')
    .simd('multiply');
}
