import { z } from 'zod';
import { gather, multiply, softplus, subtract } from '../../graph/index.js';
import { defineLoss } from './loss.js';
import { atPairs, logSumExp, positives, requireMatrix, withoutPositives } from './matrix.js';
import { temperature } from './temperature.js';
import { weightedMean } from './weighted-mean.js';

const options = z.strictObject({
  temperature,
  correction: z.boolean().default(true).describe("subtract each negative's logq"),
  // The likelihood of having drawn the others and not this one. It has the same optimum, ignores a constant in logq, and
  // pushes rare positives up less than the full softmax would.
  correctPositive: z.boolean().default(false).describe("subtract the positive's logq too (Jean et al., 2015)"),
});

/**
 * Sampled softmax as an estimate of the full one (Bengio and Senécal, 2008; Blanc and Rendle, 2018, equation 2):
 * −log(e^{s_p/τ} / (e^{s_p/τ} + Σ_n e^{s_n/τ − logq_n})), the weighted mean over positive pairs.
 *
 * A negative that is in the batch with probability q stands for 1/q items, so that the denominator is on average
 * that of the full softmax. The positive is there with certainty and stands for itself, so it is not corrected.
 * Items that are positives of the request are accidental hits and never its negatives. Without logq the negatives
 * stand for themselves alone.
 */
export default defineLoss<z.infer<typeof options>>({
  name: 'sampled-softmax',
  options,
  needs: 'matrix',
  build(context, { temperature, correction, correctPositive }) {
    const { request, weight, logq } = context;
    const plain = multiply(requireMatrix(context), 1 / temperature);
    const corrected = correction && logq !== undefined ? subtract(plain, logq) : plain;
    const negatives = withoutPositives(corrected, context);
    const own = atPairs(correctPositive ? corrected : plain, context);
    // log(e^own + e^negatives) − own
    const losses = softplus(subtract(gather(logSumExp(negatives), request), own));
    return weightedMean(losses, multiply(weight, positives(context)));
  },
});
