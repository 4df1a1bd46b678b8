import { broadcast, type Dim, sameShape } from '../shape.js';
import { apply, type Op, type Tensor, unfit } from '../tensor.js';
import { broadcastToOp, unbroadcast } from './broadcast.js';
import { scalar } from './leaves.js';
import { indicator, where } from './select.js';

/** A tensor, or a number that becomes a scalar of the other operand's type. */
export type Operand = Tensor | number;

function inferBroadcast(inputs: readonly Tensor[]): { shape: Dim[]; dtype: Tensor['dtype'] } {
  const [a, b] = inputs as [Tensor, Tensor];
  if (a.dtype !== b.dtype) unfit(`element types differ: ${a.dtype} and ${b.dtype}`);
  const shape = broadcast(a.shape, b.shape);
  if (shape === undefined) unfit('shapes do not broadcast');
  return { shape: shape!, dtype: a.dtype };
}

interface Rule {
  name: string;
  onnx: string;
  gradient(a: Tensor, b: Tensor, y: Tensor, upstream: Tensor): [Tensor, Tensor];
}

function binary({ name, onnx, gradient }: Rule): Op {
  return {
    name,
    infer(inputs) {
      if (inputs[0]!.dtype === 'bool') unfit('needs numbers; indicator() turns truth into them');
      return inferBroadcast(inputs);
    },
    lower: (emit, _, [a, b]) => emit.node(onnx, [a!, b!]),
    gradient(node, upstream) {
      const [a, b] = node.inputs as [Tensor, Tensor];
      const [da, db] = gradient(a, b, node, upstream);
      return [unbroadcast(da, a.shape), unbroadcast(db, b.shape)];
    },
  };
}

export const addOp = binary({ name: 'add', onnx: 'Add', gradient: (_a, _b, _y, g) => [g, g] });
export const subtractOp = binary({ name: 'subtract', onnx: 'Sub', gradient: (_a, _b, _y, g) => [g, multiply(g, -1)] });
export const multiplyOp = binary({
  name: 'multiply',
  onnx: 'Mul',
  gradient: (a, b, _y, g) => [multiply(g, b), multiply(g, a)],
});
export const divideOp = binary({
  name: 'divide',
  onnx: 'Div',
  gradient(_a, b, y, g) {
    const da = divide(g, b);
    return [da, multiply(multiply(da, y), -1)];
  },
});
/** Where the operands are equal, the gradient goes to the first. */
export const maximumOp = binary({
  name: 'maximum',
  onnx: 'Max',
  gradient: (a, b, _y, g) => routed(greaterOrEqual(a, b), g),
});
export const minimumOp = binary({
  name: 'minimum',
  onnx: 'Min',
  gradient: (a, b, _y, g) => routed(greaterOrEqual(b, a), g),
});

function routed(toFirst: Tensor, upstream: Tensor): [Tensor, Tensor] {
  const zero = scalar(0, upstream.dtype);
  return [where(toFirst, upstream, zero), where(toFirst, zero, upstream)];
}

function comparison(name: string, onnx: string): Op {
  return {
    name,
    infer: (inputs) => ({ shape: inferBroadcast(inputs).shape, dtype: 'bool' }),
    lower: (emit, _, [a, b]) => emit.node(onnx, [a!, b!]),
  };
}

export const greaterOp = comparison('greater', 'Greater');
export const greaterOrEqualOp = comparison('greaterOrEqual', 'GreaterOrEqual');
export const lessOp = comparison('less', 'Less');
export const equalOp = comparison('equal', 'Equal');

function logical(name: string, onnx: string): Op {
  return {
    name,
    infer(inputs) {
      if (inputs.some(({ dtype }) => dtype !== 'bool')) unfit('needs bool elements');
      return inputs.length === 1 ? { shape: inputs[0]!.shape, dtype: 'bool' } : inferBroadcast(inputs);
    },
    lower: (emit, _, inputs) => emit.node(onnx, inputs),
  };
}

export const andOp = logical('and', 'And');
export const orOp = logical('or', 'Or');
export const notOp = logical('not', 'Not');

function operands(a: Operand, b: Operand): [Tensor, Tensor] {
  if (typeof a === 'number') return [scalar(a, (b as Tensor).dtype), b as Tensor];
  return [a, typeof b === 'number' ? scalar(b, a.dtype) : b];
}

/** Both operands without the repetition that broadcasting does by itself: it would go through memory once more. */
function unrepeated([a, b]: [Tensor, Tensor]): [Tensor, Tensor] {
  const full = broadcast(a.shape, b.shape);
  const slim = (x: Tensor, other: Tensor): Tensor => {
    if (x.op !== broadcastToOp || full === undefined) return x;
    const without = broadcast(x.inputs[0]!.shape, other.shape);
    return without !== undefined && sameShape(without, full) ? x.inputs[0]! : x;
  };
  const first = slim(a, b);
  return [first, slim(b, first)];
}

const combine = (op: Op, a: Operand, b: Operand): Tensor => apply(op, unrepeated(operands(a, b)));

/** Element-wise sum; like all operations of two tensors here it broadcasts as numpy does. */
export const add = (a: Operand, b: Operand): Tensor => (b === 0 ? (a as Tensor) : combine(addOp, a, b));
export const subtract = (a: Operand, b: Operand): Tensor => combine(subtractOp, a, b);
export const multiply = (a: Operand, b: Operand): Tensor => (b === 1 ? (a as Tensor) : combine(multiplyOp, a, b));
export const divide = (a: Operand, b: Operand): Tensor => combine(divideOp, a, b);
export const maximum = (a: Operand, b: Operand): Tensor => combine(maximumOp, a, b);
export const minimum = (a: Operand, b: Operand): Tensor => combine(minimumOp, a, b);
export const greater = (a: Operand, b: Operand): Tensor => apply(greaterOp, operands(a, b));
export const greaterOrEqual = (a: Operand, b: Operand): Tensor => apply(greaterOrEqualOp, operands(a, b));
export const less = (a: Operand, b: Operand): Tensor => apply(lessOp, operands(a, b));
export const equal = (a: Operand, b: Operand): Tensor => apply(equalOp, operands(a, b));
export const and = (a: Tensor, b: Tensor): Tensor => apply(andOp, [a, b]);
export const or = (a: Tensor, b: Tensor): Tensor => apply(orOp, [a, b]);
export const not = (a: Tensor): Tensor => apply(notOp, [a]);

/** `x` with zeros where `mask` (bool, broadcasting) is false. */
export const masked = (x: Tensor, mask: Tensor): Tensor => multiply(x, indicator(mask));
