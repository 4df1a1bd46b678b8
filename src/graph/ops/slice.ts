import { normalizeAxis } from '../shape.js';
import { apply, type Op, type Tensor, unfit } from '../tensor.js';

function sizeAlong(x: Tensor, axis: number): number {
  const size = x.shape[axis];
  if (size === undefined) unfit(`no axis ${axis}`);
  if (typeof size === 'string') unfit(`axis ${axis} has the named size ${size}; this needs a number`);
  return size as number;
}

/** Positions `start` to `end` (exclusive) of one axis. */
export const sliceOp: Op = {
  name: 'slice',
  infer([x], { axis, start, end }) {
    if (!(start >= 0 && start < end && end <= sizeAlong(x!, axis)))
      unfit(`no positions ${start} to ${end} in axis ${axis}`);
    return { shape: x!.shape.with(axis, end - start), dtype: x!.dtype };
  },
  lower(emit, node, [x]) {
    const { axis, start, end } = node.attributes;
    return emit.node('Slice', [x!, emit.ints([start]), emit.ints([end]), emit.ints([axis])]);
  },
  gradient(node, upstream) {
    const { axis, start, end } = node.attributes;
    const size = node.inputs[0]!.shape[axis] as number;
    return [pad(upstream, axis, start, size - end)];
  },
  flops: () => 0,
};

/** Negative positions count from the end. */
export function slice(x: Tensor, axis: number, start: number, end?: number): Tensor {
  const at = normalizeAxis(axis, x.shape.length) ?? axis;
  const size = x.shape[at];
  const wrap = (position: number) => (position < 0 && typeof size === 'number' ? position + size : position);
  const from = wrap(start);
  const to = wrap(end ?? (size as number));
  return from === 0 && to === size ? x : apply(sliceOp, [x], { axis: at, start: from, end: to });
}

/** Adds zeros before and after along one axis. */
export const padOp: Op = {
  name: 'pad',
  infer([x], { axis, before, after }) {
    const size = sizeAlong(x!, axis);
    if (before < 0 || after < 0) unfit(`cannot add ${before} and ${after} zeros`);
    return { shape: x!.shape.with(axis, size + before + after), dtype: x!.dtype };
  },
  lower(emit, node, [x]) {
    const { axis, before, after } = node.attributes;
    const none = new Array(node.shape.length).fill(0);
    return emit.node('Pad', [x!, emit.ints([...none.with(axis, before), ...none.with(axis, after)])], {
      mode: 'constant',
    });
  },
  gradient(node, upstream) {
    const { axis, before, after } = node.attributes;
    return [slice(upstream, axis, before, (node.shape[axis] as number) - after)];
  },
  flops: () => 0,
};

export function pad(x: Tensor, axis: number, before: number, after: number): Tensor {
  const at = normalizeAxis(axis, x.shape.length) ?? axis;
  return before === 0 && after === 0 ? x : apply(padOp, [x], { axis: at, before, after });
}
