import { z } from 'zod';
import { exp, multiply, subtract, type Tensor } from '../../graph/index.js';

export const gains = z
  .enum(['linear', 'exponential'])
  .default('exponential')
  .describe('worth of relevance r: r itself, or 2^r − 1, which is the same for labels of 0 and 1');

/** The worth of each relevance, 0 for relevance 0. */
export function gainOf(relevance: Tensor, kind: z.infer<typeof gains>): Tensor {
  return kind === 'linear' ? relevance : subtract(exp(multiply(relevance, Math.LN2)), 1);
}
