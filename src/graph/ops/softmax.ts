import { apply, type Op, type Tensor } from '../tensor.js';
import { multiply, subtract } from './arithmetic.js';
import { reduceSum } from './broadcast.js';
import { exp } from './unary.js';

/** Softmax over the last axis. */
export const softmaxOp: Op = {
  name: 'softmax',
  infer: ([x]) => ({ shape: x!.shape, dtype: x!.dtype }),
  lower: (emit, _, [x]) => emit.node('Softmax', [x!], { axis: -1 }),
  gradient(node, upstream) {
    const weighted = multiply(upstream, node);
    return [subtract(weighted, multiply(node, reduceSum(weighted, -1, true)))];
  },
  flops: (node, size) => 5 * size(node.shape),
};

/** Logarithm of the softmax over the last axis, stable for large values. */
export const logSoftmaxOp: Op = {
  name: 'logSoftmax',
  infer: ([x]) => ({ shape: x!.shape, dtype: x!.dtype }),
  lower: (emit, _, [x]) => emit.node('LogSoftmax', [x!], { axis: -1 }),
  gradient: (node, upstream) => [subtract(upstream, multiply(exp(node), reduceSum(upstream, -1, true)))],
  flops: (node, size) => 5 * size(node.shape),
};

export const softmax = (x: Tensor): Tensor => apply(softmaxOp, [x]);
export const logSoftmax = (x: Tensor): Tensor => apply(logSoftmaxOp, [x]);
