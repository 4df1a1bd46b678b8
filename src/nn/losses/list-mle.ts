import { z } from 'zod';
import {
  and,
  expandDims,
  greater,
  indicator,
  multiply,
  not,
  reduceSum,
  scalar,
  subtract,
  where,
} from '../../graph/index.js';
import { bothThere, byAnything, isAbove, listView, present, targetOf } from './lists.js';
import { defineLoss } from './loss.js';
import { logSumExp } from './matrix.js';
import { scoreTemperature } from './temperature.js';
import { weightedMean } from './weighted-mean.js';

const options = z.strictObject({ by: byAnything, temperature: scoreTemperature });

/**
 * ListMLE (Xia et al., 2008): the negative log-likelihood of the true order when items are drawn one after the other by
 * softmax, log Σ_{j not better than i} e^{s_j} − s_i, the mean over all positions that are better than another.
 *
 * Equally good items are drawn from one and the same remainder (Breslow, 1974), so that their order in the list does not
 * matter; the worst ones have nothing to be drawn before.
 */
export default defineLoss<z.infer<typeof options>>({
  name: 'list-mle',
  options,
  needs: 'lists',
  target: targetOf,
  build(context, { by, temperature }) {
    const { scores, relevance, mask } = listView(context, by);
    const scaled = multiply(scores, 1 / temperature);
    const both = bothThere(mask);
    const better = isAbove(relevance);
    // Entry [i, j]: j is not better than i.
    const remaining = and(not(isAbove(multiply(relevance, -1))), both);
    const losses = subtract(logSumExp(present(expandDims(scaled, -2), remaining)), scaled);
    const counts = greater(reduceSum(indicator(and(better, both)), -1), 0);
    // Elsewhere the sum may be over nothing, which is no number to multiply by 0.
    return weightedMean(where(counts, losses, scalar(0)), indicator(counts));
  },
});
