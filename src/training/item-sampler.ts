import { z } from 'zod';

/** The options that say how items are drawn. */
export const itemSamplerOptions = {
  sampler: z.enum(['uniform', 'popularity']).default('uniform').describe('how items are drawn'),
  power: z
    .number()
    .min(0)
    .max(1)
    .default(0.75)
    .describe("exponent on an item's count of training events, for popularity"),
};
