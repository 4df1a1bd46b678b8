import { normalizeAxis } from '../shape.js';
import { apply, dimension, type Op, type Tensor } from '../tensor.js';
import { divide, equal, multiply } from './arithmetic.js';
import { broadcastTo, reduceSum } from './broadcast.js';
import { allAxes, reduce, reduction, restore } from './reduction.js';
import { indicator } from './select.js';

/** Equal maxima share the gradient. */
export const reduceMaxOp = reduction('reduceMax', 'ReduceMax', (node, upstream) => {
  const x = node.inputs[0]!;
  const hit = indicator(equal(x, restore(node, node)));
  const share = divide(restore(node, upstream), reduceSum(hit, node.attributes.axes, true));
  return [multiply(hit, share)];
});

export const reduceMeanOp = reduction('reduceMean', 'ReduceMean', (node, upstream) => {
  const x = node.inputs[0]!;
  const axes: number[] = node.attributes.axes;
  const sizes = axes.map((axis) => x.shape[axis]!);
  const count = sizes.every((dim) => typeof dim === 'number')
    ? sizes.reduce((a, b) => a * b, 1)
    : axes.map((axis) => sizeOf(x, axis)).reduce((a, b) => multiply(a, b));
  return [broadcastTo(divide(restore(node, upstream), count), x.shape, x)];
});

export function reduceMax(x: Tensor, axes: readonly number[] | number, keepDims = false): Tensor {
  return reduce(reduceMaxOp, x, axes, keepDims);
}

/** Mean over the given axes; all of them where none is given. */
export function reduceMean(x: Tensor, axes: readonly number[] | number = allAxes(x), keepDims = false): Tensor {
  return reduce(reduceMeanOp, x, axes, keepDims);
}

/** The size of an axis as a float32 scalar, also where it is a name. */
export const sizeOfOp: Op = {
  name: 'sizeOf',
  infer: () => ({ shape: [], dtype: 'float32' }),
  lower(emit, node, [x]) {
    const size = emit.node('Gather', [emit.node('Shape', [x!]), emit.constant('int64', [], [node.attributes.axis])]);
    return emit.cast(size, 'float32');
  },
  flops: () => 0,
};

export function sizeOf(x: Tensor, axis: number): Tensor {
  dimension(x, axis);
  return apply(sizeOfOp, [x], { axis: normalizeAxis(axis, x.shape.length) });
}
