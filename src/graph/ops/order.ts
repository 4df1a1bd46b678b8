import { apply, type Op, type Tensor, unfit } from '../tensor.js';
import { gatherAlong } from './gather.js';

/** Indices (int64) of the `k` largest along the last axis, largest first, lower index first among equals. No gradient. */
export const topKIndicesOp: Op = {
  name: 'topKIndices',
  infer([x], { k }) {
    const size = x!.shape.at(-1);
    if (typeof size === 'number' && k > size) unfit(`only ${size} values to take ${k} from`);
    return { shape: x!.shape.with(-1, k), dtype: 'int64' };
  },
  lower: (emit, node, [x]) =>
    emit.nodeWithOutputs('TopK', [x!, emit.ints([node.attributes.k])], 2, { axis: -1, largest: 1, sorted: 1 })[1]!,
};

export const topKIndices = (x: Tensor, k: number): Tensor => apply(topKIndicesOp, [x], { k });

/** The `k` largest values along the last axis, in descending order; the gradient goes to the places they came from. */
export const topK = (x: Tensor, k: number): Tensor => gatherAlong(x, topKIndices(x, k));

/** Index (int32) of the largest along the last axis, the lowest among equals. No gradient. */
export const argMaxOp: Op = {
  name: 'argMax',
  infer: ([x]) => ({ shape: x!.shape.slice(0, -1), dtype: 'int32' }),
  lower: (emit, _, [x]) => emit.cast(emit.node('ArgMax', [x!], { axis: -1, keepdims: 0 }), 'int32'),
  flops: (node, size) => size(node.inputs[0]!.shape),
};

export const argMax = (x: Tensor): Tensor => apply(argMaxOp, [x]);

/** Running sum along the last axis. */
export const cumulativeSumOp: Op = {
  name: 'cumulativeSum',
  infer: ([x]) => ({ shape: x!.shape, dtype: x!.dtype }),
  lower: (emit, node, [x]) =>
    emit.node('CumSum', [x!, emit.scalar('int64', node.shape.length - 1)], {
      reverse: node.attributes.reverse ? 1 : 0,
    }),
  gradient: (node, upstream) => [apply(cumulativeSumOp, [upstream], { reverse: !node.attributes.reverse })],
};

export const cumulativeSum = (x: Tensor): Tensor => apply(cumulativeSumOp, [x], { reverse: false });
