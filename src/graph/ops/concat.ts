import { TwoTowerError } from '../../errors.js';
import { normalizeAxis, sameShape } from '../shape.js';
import { apply, type Op, type Tensor, unfit } from '../tensor.js';
import { slice } from './slice.js';

export const concatOp: Op = {
  name: 'concat',
  infer(inputs, { axis }) {
    const first = inputs[0]!;
    if (!(axis >= 0 && axis < first.shape.length)) unfit(`no axis ${axis}`);
    let total = 0;
    for (const input of inputs) {
      if (input.dtype !== first.dtype) unfit('element types differ');
      if (input.shape.length !== first.shape.length) unfit('numbers of axes differ');
      if (!sameShape(input.shape.with(axis, 0), first.shape.with(axis, 0))) unfit(`shapes differ beyond axis ${axis}`);
      const size = input.shape[axis];
      if (typeof size !== 'number') unfit(`axis ${axis} has the named size ${size}; only numbers add up`);
      total += size as number;
    }
    return { shape: first.shape.with(axis, total), dtype: first.dtype };
  },
  lower: (emit, node, inputs) => emit.node('Concat', inputs, { axis: node.attributes.axis }),
  gradient(node, upstream) {
    const axis: number = node.attributes.axis;
    let start = 0;
    return node.inputs.map((input) => {
      const end = start + (input.shape[axis] as number);
      const part = slice(upstream, axis, start, end);
      start = end;
      return part;
    });
  },
  flops: () => 0,
};

/** Joins tensors along an axis whose sizes are numbers. */
export function concat(inputs: readonly Tensor[], axis = -1): Tensor {
  const first = inputs[0];
  if (first === undefined) throw new TwoTowerError('GRAPH_SHAPE', 'concat needs at least one tensor');
  return inputs.length === 1
    ? first
    : apply(concatOp, inputs, { axis: normalizeAxis(axis, first.shape.length) ?? axis });
}
