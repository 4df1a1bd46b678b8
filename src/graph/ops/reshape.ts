import { formatShape, normalizeAxis, product, quotient, type Shape, sameShape } from '../shape.js';
import { emitShape, isReadable } from '../sizes.js';
import { apply, type Op, type Tensor, unfit } from '../tensor.js';

/** Named sizes that do not stay on their axis. A Reshape infers one by itself, two or more must be read off a tensor. */
function moving(from: Shape, to: Shape): number {
  return to.filter((dim, axis) => typeof dim !== 'number' && from[axis] !== dim).length;
}

export const reshapeOp: Op = {
  name: 'reshape',
  infer([x, like], { shape }) {
    if (product(x!.shape) !== product(shape)) unfit(`cannot hold ${formatShape(shape)}`);
    const sources = like === undefined ? [x!.shape] : [x!.shape, like.shape];
    const unreadable = (shape as Shape).filter((dim) => !isReadable(dim, sources));
    if (moving(x!.shape, shape) > 1 && unreadable.length > 1) {
      unfit(
        `the sizes ${unreadable.join(', ')} of ${formatShape(shape)} cannot be told apart; pass a tensor that has them`,
      );
    }
    return { shape, dtype: x!.dtype };
  },
  lower(emit, node, [x, like]) {
    const [from, pattern] = node.inputs as [Tensor, Tensor | undefined];
    if (moving(from.shape, node.shape) <= 1) {
      // In a Reshape 0 keeps the size of the axis and -1 takes what is left.
      const target = node.shape.map((dim, axis) => (typeof dim === 'number' ? dim : from.shape[axis] === dim ? 0 : -1));
      return emit.node('Reshape', [x!, emit.ints(target)]);
    }
    const sources = [{ value: x!, shape: from.shape }];
    if (pattern !== undefined) sources.push({ value: like!, shape: pattern.shape });
    // A size that is read may be zero, which would else mean that of the axis.
    const shapes = sources.map((source) => source.shape);
    const exact = node.shape.every((dim) => isReadable(dim, shapes));
    return emit.node('Reshape', [x!, emitShape(emit, node.shape, sources)], exact ? { allowzero: 1 } : undefined);
  },
  gradient: (node, upstream) => [reshape(upstream, node.inputs[0]!.shape, node.inputs[0]!), undefined],
  flops: () => 0,
};

/**
 * Same elements, another shape. One entry may be -1.
 * @param like has the named sizes that cannot be read off `x`: for splitting `'B*N'` into `'B'` and `'N'`.
 */
export function reshape(x: Tensor, shape: Shape, like?: Tensor): Tensor {
  const open = shape.indexOf(-1);
  const full = open < 0 ? shape : shape.with(open, quotient(product(x.shape), product(shape.toSpliced(open, 1))) ?? -1);
  if (sameShape(x.shape, full)) return x;
  return apply(reshapeOp, like !== undefined && moving(x.shape, full) > 1 ? [x, like] : [x], { shape: full });
}

/** Inserts an axis of size 1 before `axis`; -1 appends one. */
export function expandDims(x: Tensor, axis: number): Tensor {
  return reshape(x, x.shape.toSpliced(axis < 0 ? axis + x.shape.length + 1 : axis, 0, 1));
}

/** Removes an axis of size 1. */
export function squeeze(x: Tensor, axis: number): Tensor {
  return reshape(x, x.shape.toSpliced(axis < 0 ? axis + x.shape.length : axis, 1));
}

/** Keeps the first axis and folds the others into one. */
export function flatten(x: Tensor): Tensor {
  return reshape(x, [x.shape[0]!, product(x.shape.slice(1))]);
}

export const transposeOp: Op = {
  name: 'transpose',
  infer([x], { permutation }) {
    const sorted = [...permutation].sort((a: number, b: number) => a - b);
    if (sorted.length !== x!.shape.length || sorted.some((axis: number, i: number) => axis !== i)) {
      unfit(`[${permutation.join(', ')}] is no order of its ${x!.shape.length} axes`);
    }
    return { shape: permutation.map((axis: number) => x!.shape[axis]!), dtype: x!.dtype };
  },
  lower: (emit, node, [x]) => emit.node('Transpose', [x!], { perm: node.attributes.permutation }),
  gradient(node, upstream) {
    const permutation: number[] = node.attributes.permutation;
    const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
    return [transpose(upstream, inverse)];
  },
  flops: () => 0,
};

/** Reorders the axes: axis i of the result is axis `permutation[i]` of `x`; negative axes count from the end. */
export function transpose(x: Tensor, permutation: readonly number[]): Tensor {
  const axes = permutation.map((axis) => normalizeAxis(axis, x.shape.length) ?? axis);
  return apply(transposeOp, [x], { permutation: axes });
}
