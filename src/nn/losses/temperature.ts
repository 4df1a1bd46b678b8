import { z } from 'zod';

/** Similarities are divided by this before the softmax. */
export const temperature = z.number().positive().default(1);
