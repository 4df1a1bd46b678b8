import { apply, type Op, type Tensor, unfit } from '../tensor.js';
import { add, divide, multiply, subtract } from './arithmetic.js';
import { reduceSum } from './broadcast.js';
import { reduceMean } from './reduce.js';
import { reciprocal, sqrt, square } from './unary.js';

/** Layer normalisation of the last axis without scale and shift (Ba et al., 2016): (x - mean) / sqrt(variance + epsilon). */
export const standardizeOp: Op = {
  name: 'standardize',
  infer([x]) {
    if (typeof x!.shape.at(-1) !== 'number') unfit('the last axis must be a number');
    return { shape: x!.shape, dtype: x!.dtype };
  },
  lower(emit, node, [x]) {
    const size = node.shape.at(-1) as number;
    const ones = emit.constant(node.dtype, [size], new Array(size).fill(1));
    return emit.node('LayerNormalization', [x!, ones], { axis: -1, epsilon: { float: node.attributes.epsilon } });
  },
  gradient(node, upstream) {
    const x = node.inputs[0]!;
    const variance = reduceMean(square(subtract(x, reduceMean(x, -1, true))), -1, true);
    const inverse = reciprocal(sqrt(add(variance, node.attributes.epsilon)));
    const centred = subtract(upstream, reduceMean(upstream, -1, true));
    return [multiply(inverse, subtract(centred, multiply(node, reduceMean(multiply(upstream, node), -1, true))))];
  },
  flops: (node, size) => 8 * size(node.shape),
};

export const standardize = (x: Tensor, epsilon = 1e-5): Tensor => apply(standardizeOp, [x], { epsilon });

/** `x` scaled to length 1 along the last axis; vectors shorter than `epsilon` stay short. */
export function normalizeLength(x: Tensor, epsilon = 1e-12): Tensor {
  return divide(x, sqrt(add(reduceSum(square(x), -1, true), epsilon)));
}
