import { broadcast } from '../shape.js';
import { apply, type DType, type Op, type Tensor, unfit } from '../tensor.js';
import { unbroadcast } from './broadcast.js';
import { scalar } from './leaves.js';

/** `condition ? a : b`, element by element, broadcasting. */
export const whereOp: Op = {
  name: 'where',
  infer([condition, a, b]) {
    if (condition!.dtype !== 'bool') unfit('the condition must be bool');
    if (a!.dtype !== b!.dtype) unfit(`element types differ: ${a!.dtype} and ${b!.dtype}`);
    const both = broadcast(a!.shape, b!.shape);
    const shape = both && broadcast(both, condition!.shape);
    if (shape === undefined) unfit('shapes do not broadcast');
    return { shape: shape!, dtype: a!.dtype };
  },
  lower: (emit, _, [condition, a, b]) => emit.node('Where', [condition!, a!, b!]),
  gradient(node, upstream) {
    const [condition, a, b] = node.inputs as [Tensor, Tensor, Tensor];
    const zero = scalar(0, upstream.dtype);
    return [
      undefined,
      unbroadcast(where(condition, upstream, zero), a.shape),
      unbroadcast(where(condition, zero, upstream), b.shape),
    ];
  },
};

export const where = (condition: Tensor, a: Tensor, b: Tensor): Tensor => apply(whereOp, [condition, a, b]);

/** Converts the element type. The gradient passes between floating-point types only. */
export const castOp: Op = {
  name: 'cast',
  infer: ([x], { dtype }) => ({ shape: x!.shape, dtype }),
  lower: (emit, node, [x]) => emit.cast(x!, node.dtype),
  gradient(node, upstream) {
    const from = node.inputs[0]!.dtype;
    return [from.startsWith('float') && node.dtype.startsWith('float') ? cast(upstream, from) : undefined];
  },
};

export const cast = (x: Tensor, dtype: DType): Tensor => (x.dtype === dtype ? x : apply(castOp, [x], { dtype }));

/** The value of `x`, through which no gradient flows. */
export const stopGradientOp: Op = {
  name: 'stopGradient',
  infer: ([x]) => ({ shape: x!.shape, dtype: x!.dtype }),
  lower: (_emit, _node, [x]) => x!,
  passThrough: true,
  flops: () => 0,
};

export const stopGradient = (x: Tensor): Tensor => apply(stopGradientOp, [x]);

/**
 * `value`, with the gradient given by hand instead of derived: `backward(upstream)` returns one gradient per tensor in
 * `inputs`. For compositions whose own derivative is cheaper or more stable than the chain rule's.
 */
export const withGradientOp: Op = {
  name: 'withGradient',
  infer: ([value]) => ({ shape: value!.shape, dtype: value!.dtype }),
  lower: (_emit, _node, [value]) => value!,
  gradient: (node, upstream) => [undefined, ...node.attributes.backward(upstream)],
  passThrough: true,
  flops: () => 0,
};

export function withGradient(
  value: Tensor,
  inputs: readonly Tensor[],
  backward: (upstream: Tensor) => (Tensor | undefined)[],
): Tensor {
  return apply(withGradientOp, [value, ...inputs], { backward });
}

/** 1 where `condition` holds, else 0, as float32. */
export const indicator = (condition: Tensor): Tensor => cast(condition, 'float32');
