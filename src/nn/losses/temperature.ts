import { z } from 'zod';

export const temperature = z
  .number()
  .positive()
  .default(1)
  .describe('similarities are divided by this before the softmax');

/** The same for losses that do more than take a softmax. */
export const scoreTemperature = z.number().positive().default(1).describe('scores are divided by this');

/** For losses that compare two sets of scores. */
export const softening = z
  .number()
  .positive()
  .default(1)
  .describe('scores of teacher and student are divided by this; the loss is multiplied by its square');
