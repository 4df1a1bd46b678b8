import { z } from 'zod';
import {
  and,
  divide,
  expandDims,
  greater,
  indicator,
  less,
  maximum,
  minimum,
  multiply,
  or,
  reduceSum,
  scalar,
  subtract,
  type Tensor,
  where,
} from '../../graph/index.js';
import { neuralSort, softSort } from '../soft-permutation.js';
import {
  atLists,
  bothThere,
  byAnything,
  isAbove,
  isEqual,
  type ListView,
  lengths,
  listView,
  numbers,
  present,
  targetOf,
  taughtAt,
} from './lists.js';
import { defineLoss, type LossContext } from './loss.js';
import { logSumExp } from './matrix.js';
import { weightedMean } from './weighted-mean.js';

const options = z.strictObject({
  by: byAnything,
  tieBreak: z
    .enum(['teacher', 'none'])
    .default('teacher')
    .describe("orders equally good items by the teacher's score where there is one, or leaves their order free"),
  operator: z
    .enum(['neural-sort', 'soft-sort'])
    .default('neural-sort')
    .describe('NeuralSort (Grover et al., 2019) or the cheaper SoftSort (Prillo and Eisenschlos, 2020)'),
  rows: z.int().positive().optional().describe('only the first rows count, the head of the list; all unless given'),
  temperature: z.number().positive().default(1).describe('τ of the operator: towards 0 it sorts hard'),
});

/**
 * Cross-entropy of a relaxed sorting permutation, −(1/n) Σ_i log Σ_{j may stand at i} P̂_ij, the mean over the lists that are
 * not all ties. Where no two items are equally good, one j may stand at each i and this is −(1/n) Σ_ij P_ij log P̂_ij with the true
 * permutation P; equally good items share their rows, so that their order is free.
 */
export default defineLoss<z.infer<typeof options>>({
  name: 'differentiable-sorting',
  options,
  needs: 'lists',
  target: targetOf,
  build(context, { by, tieBreak, operator, rows, temperature }) {
    const view = listView(context, by);
    const { scores, mask } = view;
    const sort = operator === 'neural-sort' ? neuralSort : softSort;
    const logP = sort(scores, { temperature, mask, logarithm: true });
    const above = betterThan(view, tieBreak === 'teacher' && by !== 'teacher' ? context : {});
    const both = bothThere(mask);
    // Entry [i, j]: j may stand at row i, which lies behind all that are better and before all that are worse.
    const better = expandDims(reduceSum(indicator(and(above, both)), -2), -2);
    const worse = expandDims(reduceSum(indicator(and(above, both)), -1), -2);
    const count = lengths(mask);
    const row = expandDims(numbers(scores), -1);
    const last = subtract(subtract(expandDims(count, -1), worse), 0.5);
    const mayStand = and(and(greater(row, subtract(better, 0.5)), less(row, last)), expandDims(mask, -2));
    const counted = rows === undefined ? count : minimum(count, rows);
    const inUse = less(numbers(scores), subtract(counted, 0.5));
    const losses = where(inUse, multiply(logSumExp(present(logP, mayStand)), -1), scalar(0));
    const ordered = indicator(greater(reduceSum(indicator(and(above, both)), [-2, -1]), 0));
    return weightedMean(divide(reduceSum(losses, -1), maximum(reduceSum(counted, -1), 1)), ordered);
  },
});

/** bool [B, L, L]: entry [i, j] says whether i is better than j, among equally good ones by the teacher if there is one. */
function betterThan({ relevance, mask }: ListView, context: Partial<LossContext>): Tensor {
  const above = isAbove(relevance);
  const { teacher, taught, lists } = context;
  if (teacher === undefined || taught === undefined || lists === undefined) return above;
  const known = and(taughtAt(context as LossContext, lists), mask);
  const score = atLists(teacher, lists);
  // An item without a score stands amid those of its own level, so that "better" stays an order.
  const peers = indicator(and(isEqual(relevance), expandDims(known, -2)));
  const mean = divide(reduceSum(multiply(peers, expandDims(score, -2)), -1), maximum(reduceSum(peers, -1), 1));
  const filled = where(known, score, mean);
  return or(above, and(isEqual(relevance), isAbove(filled)));
}
