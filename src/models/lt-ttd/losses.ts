import {
  argMax,
  divide,
  equal,
  greater,
  indicator,
  logSoftmax,
  maximum,
  multiply,
  negate,
  reduceMean,
  reduceSum,
  scalar,
  stopGradient,
  subtract,
  type Tensor,
  where,
} from '../../graph/index.js';
import { weightedMean } from '../../nn/losses/weighted-mean.js';
import { LOWEST, maskedSoftmax } from '../../nn/masked-softmax.js';

const present = (scores: Tensor, mask: Tensor) => where(mask, scores, scalar(LOWEST));

/** Logarithm of the softmax over the candidates that are there, 0 at the others. */
const logShares = (scores: Tensor, mask: Tensor) => where(mask, logSoftmax(present(scores, mask)), scalar(0));

/**
 * ListNet with top-one probabilities (Cao et al., 2007): −Σ_j w_j log softmax_j(y) with w = label / Σ label, the mean over the
 * lists that have a positive. All arguments [B, n].
 */
export function listNet(scores: Tensor, labels: Tensor, mask: Tensor): Tensor {
  const gains = multiply(labels, indicator(mask));
  const total = reduceSum(gains, -1, true);
  const weights = divide(gains, maximum(total, 1e-12));
  const losses = negate(reduceSum(multiply(weights, logShares(scores, mask)), -1));
  return weightedMean(losses, indicator(greater(reduceSum(gains, -1), 0)));
}

/** τ²·KL(sg[softmax(teacher/τ)] ‖ softmax(student/τ)), the mean over the lists: only the student learns. */
export function distillation(teacher: Tensor, student: Tensor, mask: Tensor, temperature: number): Tensor {
  const softened = (scores: Tensor) => multiply(scores, 1 / temperature);
  const target = softened(stopGradient(teacher));
  const gap = subtract(logShares(target, mask), logShares(softened(student), mask));
  const divergence = reduceSum(multiply(maskedSoftmax(target, mask), gap), -1);
  return multiply(reduceMean(divergence), temperature ** 2);
}

/** Share of the lists whose best candidate is the same by both scores. */
export function agreement(a: Tensor, b: Tensor, mask: Tensor): Tensor {
  return reduceMean(indicator(equal(argMax(present(a, mask)), argMax(present(b, mask)))));
}
