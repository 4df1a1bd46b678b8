import { multiply, reduceSum, stopGradient, subtract, type Tensor } from '../../graph/index.js';
import { maskedSoftmax } from '../masked-softmax.js';
import { logShares } from './lists.js';

/**
 * τ²·KL(sg[softmax(teacher/τ)] ‖ softmax(student/τ)) of every list: only the student learns. The factor keeps the size of
 * the gradient about the same for every τ (Hinton et al., 2015).
 * @param teacher [B, L]
 * @param student [B, L]
 * @param mask bool [B, L]
 * @returns [B], 0 for empty lists
 */
export function listDivergence(teacher: Tensor, student: Tensor, mask: Tensor, temperature: number): Tensor {
  const softened = (scores: Tensor) => multiply(scores, 1 / temperature);
  const target = softened(stopGradient(teacher));
  const gap = subtract(logShares(target, mask), logShares(softened(student), mask));
  return multiply(reduceSum(multiply(maskedSoftmax(target, mask), gap), -1), temperature ** 2);
}
