import { z } from 'zod';
import { gather, multiply, subtract } from '../../graph/index.js';
import { defineLoss } from './loss.js';
import { atPairs, logSumExp, positives, requireMatrix } from './matrix.js';
import { temperature } from './temperature.js';
import { weightedMean } from './weighted-mean.js';

const options = z.strictObject({ temperature });

/**
 * Softmax cross-entropy over all items of the batch, −log(e^{s_p/τ} / Σ_i e^{s_i/τ}), the weighted mean over
 * positive pairs. It is the full softmax where the batches hold the whole corpus; the other positives of a request
 * count as competitors, as in a multinomial.
 */
export default defineLoss<z.infer<typeof options>>({
  name: 'softmax',
  options,
  needs: 'matrix',
  build(context, { temperature }) {
    const logits = multiply(requireMatrix(context), 1 / temperature);
    const normalizer = gather(logSumExp(logits), context.request);
    return weightedMean(subtract(normalizer, atPairs(logits, context)), multiply(context.weight, positives(context)));
  },
});
