import { z } from 'zod';
import { divide, greater, indicator, maximum, multiply, negate, reduceSum, type Tensor } from '../../graph/index.js';
import { gainOf, gains } from './gains.js';
import { byFeedback, listView, logShares, targetOf } from './lists.js';
import { defineLoss } from './loss.js';
import { scoreTemperature } from './temperature.js';
import { weightedMean } from './weighted-mean.js';

const options = z.strictObject({ by: byFeedback, gains, temperature: scoreTemperature });

/**
 * −Σ_j w_j log softmax_j(s) with w = gain / Σ gain, the mean over the lists that have a gain. All arguments [B, L], the mask
 * bool; gains at masked positions do not count.
 */
export function listNet(scores: Tensor, gain: Tensor, mask: Tensor): Tensor {
  const own = multiply(gain, indicator(mask));
  const total = reduceSum(own, -1, true);
  const shares = divide(own, maximum(total, 1e-12));
  const losses = negate(reduceSum(multiply(shares, logShares(scores, mask)), -1));
  return weightedMean(losses, indicator(greater(reduceSum(own, -1), 0)));
}

/** ListNet with top-one probabilities (Cao et al., 2007) and graded gains in place of a softmax over them. */
export default defineLoss<z.infer<typeof options>>({
  name: 'listwise-softmax',
  options,
  needs: 'lists',
  target: targetOf,
  build(context, { by, gains, temperature }) {
    const { scores, relevance, mask } = listView(context, by);
    return listNet(multiply(scores, 1 / temperature), gainOf(relevance, gains), mask);
  },
});
