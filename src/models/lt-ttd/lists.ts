import {
  add,
  and,
  apply,
  broadcastTo,
  cast,
  concat,
  constant,
  cumulativeSum,
  divide,
  equal,
  expandDims,
  gatherAlong,
  greater,
  indicator,
  less,
  minimum,
  multiply,
  random,
  reduceSum,
  reshape,
  scatterAlongOp,
  sizeOf,
  slice,
  squeeze,
  stopGradient,
  subtract,
  type Tensor,
  topKIndices,
  where,
} from '../../graph/index.js';
import { atLists } from '../../nn/losses/lists.js';
import type { Lists as Given, LossContext } from '../../nn/losses/loss.js';
import { places, requireMatrix } from '../../nn/losses/matrix.js';

export interface ListOptions {
  /** n, candidates in each list. */
  size: number;
  /** How many of them are the best by the present scores among a random `pool`. */
  hard: number;
  pool: number;
}

/** One training list Ω for each request of the batch. */
export interface Lists {
  /** int32 [B, n]: rows of the batch's item table. */
  items: Tensor;
  /** bool [B, n]: false where the item stands in the list already. */
  mask: Tensor;
  /** [B, n]: the label of the request's own items, 0 for the others. */
  labels: Tensor;
}

/**
 * Lists made of the batch alone: first the request's own items, as many as there is room for, then items drawn from the
 * batch's table. Only which items stand in a list depends on the scores, so no gradient flows into that.
 */
export function trainingLists(context: LossContext, { size, hard, pool }: ListOptions): Lists {
  const scores = requireMatrix(context);
  const requests = scores.shape[0]!;
  const draw = (count: number) => {
    const row = multiply(random({ kind: 'uniform' }, [requests, count]), sizeOf(scores, 1));
    return cast(minimum(row, subtract(sizeOf(scores, 1), 1)), 'int32');
  };
  const drawn = draw(size);
  const others = hard === 0 ? drawn : concat([slice(drawn, -1, 0, size - hard), hardest(scores, draw(pool), hard)]);

  const at = places(scores, context);
  const spread = (values: Tensor, where: Tensor, like: Tensor) =>
    reshape(apply(scatterAlongOp, [expandDims(values, 0), where, reshape(like, [1, -1])]), like.shape, like);
  const atPairs = (matrix: Tensor) => squeeze(gatherAlong(reshape(matrix, [1, -1]), at), 0);
  const one = broadcastTo(constant([1], [1]), context.label.shape, context.label);
  // A request may meet an item in several pairs: each then counts for its share.
  const pairs = spread(one, at, scores);
  const share = divide(one, atPairs(pairs));
  const slot = subtract(atPairs(cumulativeSum(minimum(pairs, 1))), 1);
  const room = indicator(less(slot, size));
  const target = add(multiply(context.request, size), cast(minimum(slot, size - 1), 'int32'));
  const number = multiply(multiply(add(cast(context.itemRow, 'float32'), 1), share), room);
  const own = spread(number, expandDims(target, 0), cast(drawn, 'float32'));

  const items = where(greater(own, 0.5), cast(subtract(own, 0.5), 'int32'), others);
  const labels = gatherAlong(spread(multiply(context.label, share), at, scores), items);
  return { items, mask: first(items, size), labels };
}

/** The lists that the batch brings along, one for each request. */
export function listsOfBatch({ itemRow, label }: LossContext, given: Given): Lists {
  return { items: atLists(itemRow, given), mask: given.mask, labels: atLists(label, given) };
}

/** The best of each request's pool: int32 [B, count]. */
function hardest(scores: Tensor, pool: Tensor, count: number): Tensor {
  return gatherAlong(pool, topKIndices(gatherAlong(stopGradient(scores), pool), count));
}

/** bool [B, n]: whether no earlier position holds the same item. */
function first(items: Tensor, size: number): Tensor {
  const earlier = constant(
    Array.from({ length: size * size }, (_, i) => (i % size < Math.floor(i / size) ? 1 : 0)),
    [size, size],
    'bool',
  );
  const same = equal(expandDims(items, -1), expandDims(items, -2));
  return less(reduceSum(indicator(and(same, earlier)), -1), 0.5);
}
