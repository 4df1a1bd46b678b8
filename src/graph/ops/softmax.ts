import { isFloat } from '../dtype.js';
import { apply, type Op, type Tensor, unfit } from '../tensor.js';
import { multiply, subtract } from './arithmetic.js';
import { reduceSum } from './broadcast.js';
import { exp } from './unary.js';

function inferLastAxis([x]: readonly Tensor[]) {
  if (x!.shape.length === 0) unfit('needs an axis');
  if (!isFloat(x!.dtype)) unfit('needs floating-point elements');
  return { shape: x!.shape, dtype: x!.dtype };
}

/** Softmax over the last axis. */
export const softmaxOp: Op = {
  name: 'softmax',
  infer: inferLastAxis,
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
  infer: inferLastAxis,
  lower: (emit, _, [x]) => emit.node('LogSoftmax', [x!], { axis: -1 }),
  gradient: (node, upstream) => [subtract(upstream, multiply(exp(node), reduceSum(upstream, -1, true)))],
  flops: (node, size) => 5 * size(node.shape),
};

export const softmax = (x: Tensor): Tensor => apply(softmaxOp, [x]);
export const logSoftmax = (x: Tensor): Tensor => apply(logSoftmaxOp, [x]);
