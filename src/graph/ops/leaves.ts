import { formatShape, type Shape } from '../shape.js';
import { apply, type DType, type Op, type Tensor, unfit } from '../tensor.js';

/** A tensor that the caller feeds at every run. */
export const inputOp: Op = {
  name: 'input',
  infer: (_, { shape, dtype }) => ({ shape, dtype }),
  lower: (emit, node) => emit.input({ name: node.attributes.name, dtype: node.dtype, shape: node.shape }),
  flops: () => 0,
};

export function input(name: string, shape: Shape, dtype: DType = 'float32'): Tensor {
  return apply(inputOp, [], { name, shape, dtype });
}

/** A constant written into the graph: for small things such as masks, positions and schedules. */
export const constantOp: Op = {
  name: 'constant',
  infer(_, { shape, dtype, values }) {
    const size = shape.reduce((a: number, b: number) => a * b, 1);
    if (size !== values.length) unfit(`${values.length} values for ${formatShape(shape)}`);
    return { shape, dtype };
  },
  lower: (emit, node) => emit.constant(node.dtype, node.shape as number[], node.attributes.values),
  flops: () => 0,
};

export function constant(values: ArrayLike<number>, shape: readonly number[], dtype: DType = 'float32'): Tensor {
  return apply(constantOp, [], { values: Array.from(values), shape, dtype });
}

export function scalar(value: number, dtype: DType = 'float32'): Tensor {
  return constant([value], [], dtype);
}

export type Distribution = { kind: 'normal' } | { kind: 'uniform' } | { kind: 'dropout'; rate: number };

/**
 * Random numbers, drawn anew at every run from the stream that the session is given. `dropout` yields 0 with the given
 * rate (in steps of 1/256) and 1/(1-rate) otherwise. No gradient flows.
 */
export const randomOp: Op = {
  name: 'random',
  infer(_, { shape, distribution }) {
    const { kind, rate } = distribution;
    if (kind === 'dropout' && !(rate >= 0 && rate < 1)) unfit(`a dropout rate lies in [0, 1), not at ${rate}`);
    return { shape, dtype: 'float32' };
  },
  lower: (emit, node) => emit.input({ name: node.attributes.name, dtype: node.dtype, shape: node.shape }),
  flops: () => 0,
};

let drawn = 0;

export function random(distribution: Distribution, shape: Shape): Tensor {
  return apply(randomOp, [], { name: `random_${drawn++}`, distribution, shape });
}
