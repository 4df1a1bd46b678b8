import { type Dim, normalizeAxis } from '../shape.js';
import { apply, type Op, type Tensor, unfit } from '../tensor.js';
import { reshape } from './reshape.js';

function keptShape(x: Tensor, axes: readonly number[]): Dim[] {
  return x.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
}

/** What the reductions over axes have in common. */
export function reduction(name: string, onnx: string, gradient: NonNullable<Op['gradient']>): Op {
  return {
    name,
    infer([x], { axes, keepDims }) {
      if (x!.dtype === 'bool') unfit('needs numbers');
      for (const axis of axes) if (!(axis >= 0 && axis < x!.shape.length)) unfit(`no axis ${axis}`);
      const shape = keptShape(x!, axes);
      return { shape: keepDims ? shape : shape.filter((_, axis) => !axes.includes(axis)), dtype: x!.dtype };
    },
    lower(emit, node, [x]) {
      const { axes, keepDims } = node.attributes;
      return emit.node(onnx, [x!, emit.ints(axes)], { keepdims: keepDims ? 1 : 0 });
    },
    gradient,
    flops: (node, size) => size(node.inputs[0]!.shape),
  };
}

/** Applies a reduction; no axes at all leave `x` as it is. */
export function reduce(op: Op, x: Tensor, axes: readonly number[] | number, keepDims: boolean): Tensor {
  const list = typeof axes === 'number' ? [axes] : axes;
  const normal = new Set(list.map((axis) => normalizeAxis(axis, x.shape.length) ?? axis));
  return normal.size === 0 ? x : apply(op, [x], { axes: [...normal].sort((a, b) => a - b), keepDims });
}

/** Every axis of `x`, in order. */
export const allAxes = (x: Tensor): number[] => x.shape.map((_, axis) => axis);

/** Brings a reduced tensor back to the rank of what was reduced, with ones. */
export function restore(node: Tensor, value: Tensor): Tensor {
  return reshape(value, keptShape(node.inputs[0]!, node.attributes.axes));
}
