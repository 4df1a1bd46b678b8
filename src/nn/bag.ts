import {
  apply,
  broadcastTo,
  constant,
  divide,
  equal,
  gather,
  greater,
  indicator,
  maximum,
  multiply,
  type Op,
  scalar,
  scatterSumOp,
  type Tensor,
  unfit,
  where,
  withGradient,
} from '../graph/index.js';
import { LOWEST } from './masked-softmax.js';

export type BagMode = 'sum' | 'mean' | 'max';

/**
 * Pools ragged lists, whose values lie one after another in any order.
 * @param values [V, d]
 * @param segments int32 [V]: the list each value belongs to; best fed, so that the sums need no scatter
 * @param like any tensor whose first axis is the number of lists
 * @returns [lists, d]; an empty list gives zeros
 */
export function bag(values: Tensor, segments: Tensor, like: Tensor, mode: BagMode): Tensor {
  switch (mode) {
    case 'sum':
      return apply(scatterSumOp, [values, segments, like]);
    case 'mean':
      return divide(apply(scatterSumOp, [values, segments, like]), maximum(segmentCounts(values, segments, like), 1));
    case 'max':
      return segmentMax(values, segments, like);
  }
}

/** How many values each list has: [lists, 1]. */
function segmentCounts(values: Tensor, segments: Tensor, like: Tensor): Tensor {
  const ones = broadcastTo(constant([1], [1, 1]), [values.shape[0]!, 1], values);
  return apply(scatterSumOp, [ones, segments, like]);
}

/**
 * The largest of the rows of `values` [V, d] that share a segment, `LOWEST` where there is none: [like's rows, d].
 */
const scatterMaxOp: Op = {
  name: 'scatterMax',
  infer([values, segments, like]) {
    if (values!.shape.length !== 2 || segments!.shape.length !== 1) unfit('wants rows [V, d] and segments [V]');
    return { shape: [like!.shape[0]!, values!.shape[1]!], dtype: values!.dtype };
  },
  lower(emit, _, [values, segments, like]) {
    const axis = (value: string, at: number) => emit.node('Gather', [emit.node('Shape', [value]), emit.ints([at])]);
    const size = emit.node('Concat', [axis(like!, 0), axis(values!, 1)], { axis: 0 });
    const lowest = emit.node('Expand', [emit.scalar('float32', LOWEST), size]);
    const wide = emit.node('Expand', [
      emit.node('Unsqueeze', [segments!, emit.ints([1])]),
      emit.node('Shape', [values!]),
    ]);
    return emit.node('ScatterElements', [lowest, wide, values!], { axis: 0, reduction: 'max' });
  },
  flops: (node, size) => size(node.inputs[0]!.shape),
};

/** Equal maxima share the gradient. */
function segmentMax(values: Tensor, segments: Tensor, like: Tensor): Tensor {
  const max = apply(scatterMaxOp, [values, segments, like]);
  const filled = where(greater(max, LOWEST), max, scalar(0));
  return withGradient(filled, [values], (upstream) => {
    const hit = indicator(equal(values, gather(max, segments)));
    const hits = maximum(apply(scatterSumOp, [hit, segments, like]), 1);
    return [multiply(hit, gather(divide(upstream, hits), segments))];
  });
}
