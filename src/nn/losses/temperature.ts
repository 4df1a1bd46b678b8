import { z } from 'zod';

export const temperature = z
  .number()
  .positive()
  .default(1)
  .describe('similarities are divided by this before the softmax');
