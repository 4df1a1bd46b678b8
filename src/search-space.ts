import { z } from 'zod';
import type { Random } from './random.js';

const numbers = z
  .strictObject({
    low: z.number().describe('smallest value'),
    high: z.number().describe('largest value'),
    scale: z.enum(['linear', 'log']).default('linear').describe('log: every factor is as likely as every other'),
    whole: z.boolean().default(false).describe('whole numbers only'),
  })
  .refine(({ low, high, scale }) => low < high && (scale === 'linear' || low > 0), {
    error: 'low must be below high, and above 0 on a logarithmic scale',
  });

const values = z.strictObject({ values: z.array(z.unknown()).min(1).describe('what is tried, all alike') });

/** What is tried for one option. */
export const searchRange = z.union([numbers, values], {
  error: 'write { low, high } with scale: log or whole: true if need be, or { values: [ … ] }',
});

/** A search space as it is written down: ranges by key. */
export const searchSpace = z.record(z.string(), searchRange);

export type SearchRange = z.input<typeof searchRange>;
export type SearchSpace = Record<string, SearchRange>;

/** One value of a range. */
export function drawValue(said: SearchRange, random: Random): unknown {
  const range = searchRange.parse(said);
  if ('values' in range) return range.values[random.below(range.values.length)];
  const { low, high, scale, whole } = range;
  const share = random.uniform();
  // One more whole number than steps between them, so that both ends are as likely as the others.
  const end = whole ? high + 1 : high;
  const value = scale === 'log' ? low * (end / low) ** share : low + (end - low) * share;
  if (whole) return Math.min(high, Math.floor(value));
  // Four digits are enough, and can be written down.
  return Math.min(high, Math.max(low, Number(value.toPrecision(4))));
}
