import { z } from 'zod';
import {
  abs,
  add,
  multiply,
  negate,
  relu,
  sigmoid,
  softplus,
  subtract,
  type Tensor,
  withGradient,
} from '../../graph/index.js';
import { defineLoss } from './loss.js';
import { weightedMean } from './weighted-mean.js';

/**
 * −y·log σ(x) − (1−y)·log(1−σ(x)), element by element, as max(x, 0) − x·y + log(1 + e^{−|x|}), which neither
 * overflows nor loses small losses. The gradient is written out: σ(x) − y, also at the kink of that form.
 */
export function binaryCrossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const value = add(subtract(relu(logits), multiply(logits, labels)), softplus(negate(abs(logits))));
  return withGradient(value, [logits], (upstream) => [multiply(upstream, subtract(sigmoid(logits), labels))]);
}

/** Binary cross-entropy of every pair, the weighted mean; labels may be anything between 0 and 1. */
export default defineLoss({
  name: 'bce',
  options: z.strictObject({}),
  needs: 'pairs',
  build: ({ logits, label, weight }) => weightedMean(binaryCrossEntropy(logits, label), weight),
});
