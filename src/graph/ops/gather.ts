import { product, sameShape } from '../shape.js';
import { apply, type Op, type Tensor, unfit } from '../tensor.js';
import { reshape } from './reshape.js';

function requireIndices({ dtype }: Tensor): void {
  if (dtype !== 'int32' && dtype !== 'int64') unfit('indices must be int32 or int64');
}

/** Rows of the first axis of `x`, by int32 indices of any shape. Padded index positions must still be valid rows. */
export const gatherOp: Op = {
  name: 'gather',
  infer([x, indices]) {
    requireIndices(indices!);
    if (x!.shape.length < 1) unfit('needs an axis to gather from');
    return { shape: [...indices!.shape, ...x!.shape.slice(1)], dtype: x!.dtype };
  },
  lower: (emit, _, [x, indices]) => emit.node('Gather', [x!, indices!], { axis: 0 }),
  gradient(node, upstream) {
    const [x, indices] = node.inputs as [Tensor, Tensor];
    const count = product(indices.shape);
    const rows = reshape(upstream, [count, product(x.shape.slice(1))]);
    const summed = apply(scatterSumOp, [rows, reshape(indices, [count]), x]);
    return [reshape(summed, x.shape, x), undefined];
  },
  flops: () => 0,
};

export const gather = (x: Tensor, indices: Tensor): Tensor => apply(gatherOp, [x, indices]);

/**
 * Sums the rows of `rows` [n, d] that share an index: the gradient of `gather`. The third input only lends its number of rows.
 * More blocks of rows may follow, where the indices are those of all blocks, one after the other.
 *
 * ONNX Runtime's parallel `ScatterND` loses additions when an index repeats, and `ScatterElements` is slow. Where the
 * indices are fed, the host sends along where each occurs (an index plan). A sum then starts from the row where its index
 * occurs first; what follows is added as differences of one cumulative sum in float64, which is exact to float32 and the same in
 * every run, and short where few indices repeat.
 */
export const scatterSumOp: Op = {
  name: 'scatterSum',
  infer([rows, indices, like, ...more]) {
    const alone = more.length === 0;
    if (rows!.shape.length !== 2 || (alone && !sameShape(indices!.shape, [rows!.shape[0]!]))) {
      unfit('needs one index for each row');
    }
    if (!alone && planSource(indices!) === undefined) unfit('the indices of several blocks must be fed');
    for (const { shape } of more) if (!sameShape(shape.slice(1), rows!.shape.slice(1))) unfit('blocks differ in width');
    return { shape: [like!.shape[0]!, rows!.shape[1]!], dtype: rows!.dtype };
  },
  lower(emit, node, [rows, indices, like, ...more]) {
    const [, index, target] = node.inputs as [Tensor, Tensor, Tensor];
    const source = planSource(index);
    if (source === undefined) {
      const size = emit.node(
        'Concat',
        [
          emit.node('Slice', [emit.node('Shape', [like!]), emit.ints([0]), emit.ints([1])]),
          emit.node('Slice', [emit.node('Shape', [rows!]), emit.ints([1]), emit.ints([2])]),
        ],
        { axis: 0 },
      );
      const zeros = emit.node('ConstantOfShape', [size]);
      const wide = emit.node('Expand', [
        emit.node('Unsqueeze', [indices!, emit.ints([1])]),
        emit.node('Shape', [rows!]),
      ]);
      return emit.node('ScatterElements', [zeros, wide, rows!], { axis: 0, reduction: 'add' });
    }
    const { feeds } = emit.plan(source.attributes.name, target.shape[0]!);
    // Row 0, of zeros, is the sum of nothing.
    const width = emit.node('Slice', [emit.node('Shape', [rows!]), emit.ints([1]), emit.ints([2])]);
    const nothing = emit.node('Expand', [
      emit.constant(node.dtype, [1, 1], [0]),
      emit.node('Concat', [emit.ints([1]), width], { axis: 0 }),
    ]);
    const all = emit.node('Concat', [nothing, rows!, ...more], { axis: 0 });
    const rest = emit.cast(emit.node('Gather', [all, feeds.rest]), 'float64');
    const running = emit.node('CumSum', [rest, emit.scalar('int64', 0)]);
    const upTo = emit.node('Gather', [running, feeds.end]);
    const before = emit.node('Gather', [running, feeds.start]);
    const further = emit.cast(emit.node('Sub', [upTo, before]), node.dtype);
    // Each of these rows once: threads do not meet.
    const where = emit.node('Unsqueeze', [emit.cast(feeds.repeated, 'int64'), emit.ints([1])]);
    return emit.node('ScatterND', [emit.node('Gather', [all, feeds.first]), where, further], { reduction: 'add' });
  },
  gradient(node, upstream) {
    if (node.inputs.length > 3) unfit('no gradient flows back into several blocks');
    return [gather(upstream, node.inputs[1]!), undefined, undefined];
  },
  flops: (node, size) => size(node.inputs[1]!.shape) * size(node.shape.slice(1)),
};

/** The fed input that `indices` is a view of, if it is one. */
export function planSource(indices: Tensor): Tensor | undefined {
  let source = indices;
  while (source.op.name === 'reshape') source = source.inputs[0]!;
  return source.op.name === 'input' ? source : undefined;
}

/** Along the last axis: y[…, j] = x[…, indices[…, j]]. */
export const gatherAlongOp: Op = {
  name: 'gatherAlong',
  infer([x, indices]) {
    requireIndices(indices!);
    if (!sameShape(x!.shape.slice(0, -1), indices!.shape.slice(0, -1))) unfit('shapes differ before the last axis');
    return { shape: indices!.shape, dtype: x!.dtype };
  },
  lower: (emit, _, [x, indices]) => emit.node('GatherElements', [x!, indices!], { axis: -1 }),
  gradient(node, upstream) {
    const [x, indices] = node.inputs as [Tensor, Tensor];
    return [apply(scatterAlongOp, [upstream, indices, x]), undefined];
  },
  flops: () => 0,
};

/** Along the last axis: adds each value at its index into zeros shaped like the third input. The gradient of `gatherAlong`. */
export const scatterAlongOp: Op = {
  name: 'scatterAlong',
  infer([values, indices, like]) {
    if (!sameShape(values!.shape, indices!.shape)) unfit('needs one index for each value');
    return { shape: like!.shape, dtype: values!.dtype };
  },
  lower(emit, _, [values, indices, like]) {
    const zeros = emit.node('ConstantOfShape', [emit.node('Shape', [like!])]);
    return emit.node('ScatterElements', [zeros, indices!, values!], { axis: -1, reduction: 'add' });
  },
  gradient: (node, upstream) => [gatherAlong(upstream, node.inputs[1]!), undefined, undefined],
  flops: (node, size) => size(node.inputs[0]!.shape),
};

export const gatherAlong = (x: Tensor, indices: Tensor): Tensor => apply(gatherAlongOp, [x, indices]);
