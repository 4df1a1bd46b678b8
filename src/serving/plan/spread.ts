/**
 * How the times that equal requests take are spread: what they are at `LEVELS`, over their mean. One request in a hundred may take many
 * times the mean, when garbage is collected while it is answered; no distribution of two numbers says so.
 */
export type Spread = readonly number[];

/** Shares of the requests that take less, and how many stand for each: few up to nine of ten, one in a hundred beyond. */
export const LEVELS: readonly { at: number; weight: number }[] = [
  ...Array.from({ length: 18 }, (_, i) => ({ at: 0.025 + 0.05 * i, weight: 0.05 })),
  ...Array.from({ length: 10 }, (_, i) => ({ at: 0.905 + 0.01 * i, weight: 0.01 })),
];

/** All take as long. */
export const CONSTANT: Spread = LEVELS.map(() => 1);

/** The spread of measured times, any unit. */
export function spreadOf(times: readonly number[]): Spread {
  const sorted = times.toSorted((a, b) => a - b);
  const found = LEVELS.map(({ at }) => sorted[Math.floor(at * sorted.length)]!);
  const mean = found.reduce((sum, time, i) => sum + time * LEVELS[i]!.weight, 0);
  return mean > 0 ? found.map((time) => time / mean) : CONSTANT;
}

/** Variance over squared mean. */
export function variationOf(spread: Spread): number {
  return Math.max(0, spread.reduce((sum, time, i) => sum + time ** 2 * LEVELS[i]!.weight, 0) - 1);
}
