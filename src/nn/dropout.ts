import { isTraining, multiply, random, type Tensor } from '../graph/index.js';

/** Zeroes each element with probability `rate` while training and scales the others up; the identity when serving. */
export function dropout(x: Tensor, rate: number): Tensor {
  if (rate === 0 || !isTraining()) return x;
  return multiply(x, random({ kind: 'dropout', rate }, x.shape));
}
