import { isFloat } from '../dtype.js';
import { broadcast, formatShape, type Shape, sameShape } from '../shape.js';
import { emitShape, isReadable } from '../sizes.js';
import { apply, type Op, type Tensor, unfit } from '../tensor.js';
import { allAxes, reduce, reduction, restore } from './reduction.js';
import { reshape } from './reshape.js';

// Repeating and summing are each other's gradient, so they share a file.

/** Repeats `x` to `shape`, by the rules of broadcasting. */
export const broadcastToOp: Op = {
  name: 'broadcastTo',
  infer([x, like], { shape }) {
    const result = broadcast(x!.shape, shape);
    if (result === undefined || !sameShape(result, shape)) unfit(`cannot broadcast to ${formatShape(shape)}`);
    for (const dim of shape) {
      if (!isReadable(dim, [x!.shape, like?.shape ?? []])) unfit(`no tensor given has the size ${dim}`);
    }
    return { shape, dtype: x!.dtype };
  },
  lower(emit, node, [x, like]) {
    const [from, pattern] = node.inputs as [Tensor, Tensor | undefined];
    const sources = [{ value: x!, shape: from.shape }];
    if (pattern !== undefined) sources.unshift({ value: like!, shape: pattern.shape });
    return emit.node('Expand', [x!, emitShape(emit, node.shape, sources)]);
  },
  gradient: (node, upstream) => [unbroadcast(upstream, node.inputs[0]!.shape), undefined],
  flops: () => 0,
};

/** Repeats `x` to `shape`. Named sizes in it are read off `like` at run time, a tensor that has them. */
export function broadcastTo(x: Tensor, shape: Shape, like?: Tensor): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const needed = like !== undefined && shape.some((dim) => typeof dim !== 'number');
  return apply(broadcastToOp, needed ? [x, like] : [x], { shape });
}

const plainSum = reduction('reduceSum', 'ReduceSum', (node, upstream) => {
  const x = node.inputs[0]!;
  return [broadcastTo(restore(node, upstream), x.shape, x)];
});

export const reduceSumOp: Op = {
  ...plainSum,
  lower(emit, node, inputs) {
    const x = node.inputs[0]!;
    const { axes, keepDims } = node.attributes;
    const columns = x.shape.at(-1);
    const overRows = axes.length === x.shape.length - 1 && !axes.includes(axes.length);
    if (!overRows || typeof columns !== 'number' || columns === 1 || !isFloat(x.dtype)) {
      return plainSum.lower(emit, node, inputs);
    }
    // Sums over rows, as every bias needs them: as a product with ones 2 times (wide) to 15 times (narrow) faster.
    const rows = x.shape.length === 2 ? inputs[0]! : emit.node('Reshape', [inputs[0]!, emit.ints([-1, columns])]);
    const count = emit.node('Gather', [emit.node('Shape', [rows]), emit.ints([0])]);
    const one = emit.constant(x.dtype, [1, 1], [1]);
    const ones = emit.node('Expand', [one, emit.node('Concat', [emit.ints([1]), count], { axis: 0 })]);
    const sums = emit.node('MatMul', [ones, rows]);
    if (keepDims && x.shape.length === 2) return sums;
    return emit.node('Reshape', [sums, emit.ints(node.shape as number[])]);
  },
};

/** Sum over the given axes; all of them where none is given. */
export function reduceSum(x: Tensor, axes: readonly number[] | number = allAxes(x), keepDims = false): Tensor {
  return reduce(reduceSumOp, x, axes, keepDims);
}

/** Sums a gradient over the axes that broadcasting had stretched. */
export function unbroadcast(gradient: Tensor, shape: Shape): Tensor {
  const extra = gradient.shape.length - shape.length;
  const axes = allAxes(gradient).filter(
    (axis) => axis < extra || (shape[axis - extra] === 1 && gradient.shape[axis] !== 1),
  );
  return axes.length === 0 ? gradient : reshape(reduceSum(gradient, axes, true), shape);
}
