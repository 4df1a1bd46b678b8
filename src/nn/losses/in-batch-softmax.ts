import { z } from 'zod';
import { gather, multiply, softplus, subtract } from '../../graph/index.js';
import { defineLoss } from './loss.js';
import { atPairs, logSumExp, positives, requireMatrix, withoutPositives } from './matrix.js';
import { temperature } from './temperature.js';
import { weightedMean } from './weighted-mean.js';

const options = z.strictObject({
  temperature,
  correction: z
    .boolean()
    .default(true)
    .describe("subtract each item's logq: frequent items are negatives more often than their share"),
  maskPositives: z
    .boolean()
    .default(true)
    .describe('whether the other positives of a request are left out of its negatives'),
});

/**
 * Sampled softmax with the batch's own items as negatives (Yi et al., 2019, section 3): with s' = s/τ − logq for
 * every item, the positive included, −log(e^{s'_p} / Σ_i e^{s'_i}), the weighted mean over positive pairs. The
 * positive is corrected like the others because it stands in the batch for the same reason as they do; a constant
 * added to all logq therefore changes nothing.
 */
export default defineLoss<z.infer<typeof options>>({
  name: 'in-batch-softmax',
  options,
  needs: 'matrix',
  build(context, { temperature, correction, maskPositives }) {
    const scaled = multiply(requireMatrix(context), 1 / temperature);
    const logits = correction && context.logq !== undefined ? subtract(scaled, context.logq) : scaled;
    const own = atPairs(logits, context);
    const competitors = maskPositives ? withoutPositives(logits, context) : logits;
    const others = subtract(gather(logSumExp(competitors), context.request), own);
    // Where the sum already holds the pair itself, its logarithm is the loss; otherwise −log σ adds the pair to it.
    return weightedMean(maskPositives ? softplus(others) : others, multiply(context.weight, positives(context)));
  },
});
