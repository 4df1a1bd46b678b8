import { z } from 'zod';
import {
  abs,
  add,
  and,
  divide,
  expandDims,
  greater,
  indicator,
  less,
  log,
  maximum,
  multiply,
  or,
  reciprocal,
  reduceSum,
  softplus,
  stopGradient,
  subtract,
  type Tensor,
} from '../../graph/index.js';
import { gainOf, gains } from './gains.js';
import { bothThere, byFeedback, isAbove, isEqual, listView, numbers, present, targetOf } from './lists.js';
import { defineLoss } from './loss.js';
import { orderedPairs } from './pairwise.js';
import { scoreTemperature } from './temperature.js';
import { weightedMean } from './weighted-mean.js';

const options = z.strictObject({
  by: byFeedback,
  gains,
  k: z.int().positive().optional().describe('only the first k positions count in the NDCG; all of them unless given'),
  temperature: scoreTemperature,
});

/**
 * LambdaRank's loss in the form of LambdaLoss (Wang et al., 2018): Σ |ΔNDCG_ij| · log(1 + e^{−(s_i − s_j)/T}) over all two
 * positions of which i is better, the mean over the lists that have such; |ΔNDCG_ij| = |G_i − G_j|·|D_i − D_j| / maxDCG is
 * what exchanging the two in the present order would change, and no gradient flows through it.
 */
export default defineLoss<z.infer<typeof options>>({
  name: 'lambda-loss',
  options,
  needs: 'lists',
  target: targetOf,
  build(context, { by, gains, k, temperature }) {
    const view = listView(context, by);
    const { scores, relevance, mask } = view;
    const there = indicator(mask);
    const gain = multiply(gainOf(relevance, gains), there);
    const discount = multiply(discounts(positions(stopGradient(scores), mask), k), there);
    const ideal = multiply(discounts(positions(relevance, mask), k), there);
    const best = reduceSum(multiply(gain, ideal), -1, true);
    const change = (x: Tensor) => abs(subtract(expandDims(x, -1), expandDims(x, -2)));
    const delta = divide(multiply(change(gain), change(discount)), expandDims(maximum(best, 1e-12), -1));
    const { gaps, ordered } = orderedPairs(view);
    const lost = multiply(multiply(delta, ordered), softplus(multiply(gaps, -1 / temperature)));
    const counts = indicator(and(greater(reduceSum(ordered, [-2, -1]), 0), greater(reduceSum(best, -1), 0)));
    return weightedMean(reduceSum(lost, [-2, -1]), counts);
  },
});

/** Position of each value in the descending order of its list, from 0; the earlier of two equal ones first: [B, L]. */
function positions(values: Tensor, mask: Tensor): Tensor {
  // Entry [i, j]: j stands before i.
  const larger = isAbove(multiply(present(values, mask), -1));
  const before = or(larger, and(isEqual(values), isAbove(numbers(values))));
  return reduceSum(indicator(and(before, bothThere(mask))), -1);
}

/** 1/log₂(2 + position), 0 from position k on. */
function discounts(position: Tensor, k: number | undefined): Tensor {
  const all = multiply(reciprocal(log(add(position, 2))), Math.LN2);
  return k === undefined ? all : multiply(all, indicator(less(position, k - 0.5)));
}
