import { sameShape } from '../shape.js';
import { apply, type Op, type Tensor, unfit } from '../tensor.js';
import { add, divide, multiply, subtract } from './arithmetic.js';
import { reduceSum } from './broadcast.js';
import { reduceMean } from './reduce.js';
import { expandDims } from './reshape.js';
import { sqrt, square } from './unary.js';

/** Layer normalisation of the last axis without scale and shift (Ba et al., 2016): (x - mean) / sqrt(variance + epsilon). */
export const standardizeOp: Op = {
  name: 'standardize',
  infer([x]) {
    if (typeof x!.shape.at(-1) !== 'number') unfit('the last axis must be a number');
    return { shape: x!.shape, dtype: x!.dtype };
  },
  lower(emit, node, [x]) {
    const size = node.shape.at(-1) as number;
    const ones = emit.constant(node.dtype, [size], new Array(size).fill(1));
    return emit.node('LayerNormalization', [x!, ones], { axis: -1, epsilon: { float: node.attributes.epsilon } });
  },
  gradient(node, upstream) {
    const inverse = apply(inverseDeviationOp, [node, node.inputs[0]!]);
    const along = multiply(node, reduceMean(multiply(upstream, node), -1, true));
    return [multiply(inverse, subtract(subtract(upstream, reduceMean(upstream, -1, true)), along))];
  },
  flops: (node, size) => 8 * size(node.shape),
};

/** `standardize` with scale and shift [size], in one pass: for graphs that do not need what lies between. */
export const layerNormalizationOp: Op = {
  name: 'layerNormalization',
  infer(inputs) {
    const [x, scale, shift] = inputs as [Tensor, Tensor, Tensor];
    const size = x.shape.at(-1)!;
    if (typeof size !== 'number') unfit('the last axis must be a number');
    if (!sameShape(scale.shape, [size]) || !sameShape(shift.shape, [size])) unfit(`scale and shift must be [${size}]`);
    return { shape: x.shape, dtype: x.dtype };
  },
  lower(emit, node, [x, scale, shift]) {
    const epsilon = { float: node.attributes.epsilon };
    return emit.node('LayerNormalization', [x!, scale!, shift!], { axis: -1, epsilon });
  },
  gradient(node, upstream) {
    const [x, scale] = node.inputs as [Tensor, Tensor];
    const normal = standardize(x, node.attributes.epsilon);
    const outer = x.shape.map((_, axis) => axis).slice(0, -1);
    return [
      standardizeOp.gradient!(normal, multiply(upstream, scale))[0],
      reduceSum(multiply(upstream, normal), outer),
      reduceSum(upstream, outer),
    ];
  },
  flops: (node, size) => 10 * size(node.shape),
};

export const layerNormalization = (x: Tensor, scale: Tensor, shift: Tensor, epsilon = 1e-5): Tensor =>
  apply(layerNormalizationOp, [x, scale, shift], { epsilon });

/** 1 / sqrt(variance + epsilon) of each row, which `standardize`, its first input, has found anyway; the second is that one's input. */
export const inverseDeviationOp: Op = {
  name: 'inverseDeviation',
  infer([y]) {
    if (y!.op !== standardizeOp) unfit('needs the result of standardize');
    return { shape: y!.shape.with(-1, 1), dtype: y!.dtype };
  },
  lower: (emit, _, [y]) => emit.further(y!, 2),
  gradient(node, upstream) {
    const y = node.inputs[0]!;
    return [undefined, multiply(multiply(upstream, square(node)), divide(y, -(y.shape.at(-1) as number)))];
  },
  flops: () => 0,
};

export const standardize = (x: Tensor, epsilon = 1e-5): Tensor => apply(standardizeOp, [x], { epsilon });

/** `x` scaled to length 1 along the last axis; vectors shorter than `epsilon` stay short. */
export function normalizeLength(x: Tensor, epsilon = 1e-12): Tensor {
  return divide(x, expandDims(lengthOf(x, epsilon), -1));
}

/** √(Σx² + epsilon) along the last axis: [..., d] → [...]. ONNX Runtime adds a number to [...] ten times as fast as to [..., 1]. */
export function lengthOf(x: Tensor, epsilon = 1e-12): Tensor {
  return sqrt(add(reduceSum(square(x), -1), epsilon));
}
