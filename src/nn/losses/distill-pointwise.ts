import { z } from 'zod';
import { multiply, sigmoid } from '../../graph/index.js';
import { binaryCrossEntropy } from './bce.js';
import { required } from './lists.js';
import { defineLoss } from './loss.js';
import { softening } from './temperature.js';
import { weightedMean } from './weighted-mean.js';

const options = z.strictObject({ temperature: softening });

/**
 * Distillation of every pair by itself: T² times the binary cross-entropy of σ(s/T) against the teacher's σ(t/T), the
 * weighted mean over the pairs that the teacher scored.
 */
export default defineLoss<z.infer<typeof options>>({
  name: 'distill-pointwise',
  options,
  needs: 'pairs',
  target: () => 'teacher',
  build(context, { temperature }) {
    const target = sigmoid(multiply(required(context, 'teacher'), 1 / temperature));
    const losses = binaryCrossEntropy(multiply(context.logits, 1 / temperature), target);
    const weight = multiply(context.weight, required(context, 'taught'));
    return multiply(weightedMean(losses, weight), temperature ** 2);
  },
});
