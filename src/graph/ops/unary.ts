import { isFloat } from '../dtype.js';
import { apply, type Op, type Tensor, unfit } from '../tensor.js';
import { add, greater, multiply, subtract } from './arithmetic.js';
import { scalar } from './leaves.js';
import { cast, where } from './select.js';

interface Rule {
  name: string;
  onnx: string;
  /** Absent where the derivative is zero almost everywhere. */
  gradient?(x: Tensor, y: Tensor, upstream: Tensor): Tensor;
}

function unary({ name, onnx, gradient }: Rule): Op {
  return {
    name,
    infer([x]) {
      if (!isFloat(x!.dtype)) unfit('needs floating-point elements');
      return { shape: x!.shape, dtype: x!.dtype };
    },
    lower: (emit, _, [x]) => emit.node(onnx, [x!]),
    ...(gradient && { gradient: (node: Tensor, g: Tensor) => [gradient(node.inputs[0]!, node, g)] }),
  };
}

export const negateOp = unary({ name: 'negate', onnx: 'Neg', gradient: (_x, _y, g) => negate(g) });
export const expOp = unary({ name: 'exp', onnx: 'Exp', gradient: (_x, y, g) => multiply(g, y) });
export const logOp = unary({ name: 'log', onnx: 'Log', gradient: (x, _y, g) => multiply(g, reciprocal(x)) });
export const sqrtOp = unary({
  name: 'sqrt',
  onnx: 'Sqrt',
  gradient: (_x, y, g) => multiply(multiply(g, reciprocal(y)), 0.5),
});
export const reciprocalOp = unary({
  name: 'reciprocal',
  onnx: 'Reciprocal',
  gradient: (_x, y, g) => negate(multiply(g, multiply(y, y))),
});
export const absOp = unary({ name: 'abs', onnx: 'Abs', gradient: (x, _y, g) => multiply(g, apply(signOp, [x])) });
export const signOp = unary({ name: 'sign', onnx: 'Sign' });
export const floorOp = unary({ name: 'floor', onnx: 'Floor' });
export const tanhOp = unary({
  name: 'tanh',
  onnx: 'Tanh',
  gradient: (_x, y, g) => multiply(g, subtract(1, multiply(y, y))),
});
export const sigmoidOp = unary({
  name: 'sigmoid',
  onnx: 'Sigmoid',
  gradient: (_x, y, g) => multiply(g, multiply(y, subtract(1, y))),
});
// A product with the mask takes half the time of a Where.
export const reluOp = unary({
  name: 'relu',
  onnx: 'Relu',
  gradient: (_x, y, g) => multiply(g, cast(cast(y, 'bool'), g.dtype)),
});
/** log(1 + e^x), stable for large |x|. */
export const softplusOp = unary({
  name: 'softplus',
  onnx: 'Softplus',
  gradient: (x, _y, g) => multiply(g, sigmoid(x)),
});
export const eluOp = unary({
  name: 'elu',
  onnx: 'Elu',
  gradient: (x, y, g) => multiply(g, where(greater(x, 0), scalar(1, g.dtype), add(y, 1))),
});
export const erfOp = unary({
  name: 'erf',
  onnx: 'Erf',
  gradient: (x, _y, g) => multiply(g, multiply(exp(negate(multiply(x, x))), 2 / Math.sqrt(Math.PI))),
});
export const sinOp = unary({ name: 'sin', onnx: 'Sin', gradient: (x, _y, g) => multiply(g, apply(cosOp, [x])) });
export const cosOp = unary({
  name: 'cos',
  onnx: 'Cos',
  gradient: (x, _y, g) => negate(multiply(g, apply(sinOp, [x]))),
});

export const negate = (x: Tensor): Tensor => apply(negateOp, [x]);
export const exp = (x: Tensor): Tensor => apply(expOp, [x]);
export const log = (x: Tensor): Tensor => apply(logOp, [x]);
export const sqrt = (x: Tensor): Tensor => apply(sqrtOp, [x]);
export const reciprocal = (x: Tensor): Tensor => apply(reciprocalOp, [x]);
export const abs = (x: Tensor): Tensor => apply(absOp, [x]);
export const sign = (x: Tensor): Tensor => apply(signOp, [x]);
export const floor = (x: Tensor): Tensor => apply(floorOp, [x]);
export const tanh = (x: Tensor): Tensor => apply(tanhOp, [x]);
export const sigmoid = (x: Tensor): Tensor => apply(sigmoidOp, [x]);
export const relu = (x: Tensor): Tensor => apply(reluOp, [x]);
export const softplus = (x: Tensor): Tensor => apply(softplusOp, [x]);
export const elu = (x: Tensor): Tensor => apply(eluOp, [x]);
export const erf = (x: Tensor): Tensor => apply(erfOp, [x]);
export const sin = (x: Tensor): Tensor => apply(sinOp, [x]);
export const cos = (x: Tensor): Tensor => apply(cosOp, [x]);
export const square = (x: Tensor): Tensor => multiply(x, x);
