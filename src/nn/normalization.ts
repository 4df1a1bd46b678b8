import {
  add,
  broadcastTo,
  constant,
  divide,
  inScope,
  isTraining,
  layerNormalization,
  matMul,
  maximum,
  multiply,
  parameter,
  product,
  reciprocal,
  reshape,
  sizeOf,
  sqrt,
  square,
  standardize,
  state,
  subtract,
  type Tensor,
  updateState,
  width,
  withGradient,
} from '../graph/index.js';
import { ones, zeros } from './initializers.js';

export interface NormalizationOptions {
  epsilon?: number;
  /** Learned scale and shift. */
  affine?: boolean;
}

/** Layer normalisation of the last axis (Ba et al., 2016). */
export function layerNorm(
  name: string,
  x: Tensor,
  { epsilon = 1e-5, affine = true }: NormalizationOptions = {},
): Tensor {
  return inScope(name, () => {
    if (!affine) return standardize(x, epsilon);
    const scale = parameter('scale', [width(x)], ones);
    const shift = parameter('shift', [width(x)], zeros);
    // Gradients read the standardized values, so that training makes them anyway.
    if (isTraining()) return add(multiply(standardize(x, epsilon), scale), shift);
    return layerNormalization(x, scale, shift, epsilon);
  });
}

export interface BatchNormOptions extends NormalizationOptions {
  /** Share of the old value when a running statistic is updated. */
  momentum?: number;
}

/**
 * Batch normalisation over the rows of [..., units] (Ioffe and Szegedy, 2015): batch statistics while training, running
 * ones when serving. The gradient is written out, because the chain rule would pass over the batch three times as often.
 */
export function batchNorm(
  name: string,
  x: Tensor,
  { epsilon = 1e-5, affine = true, momentum = 0.9 }: BatchNormOptions = {},
): Tensor {
  if (x.shape.length !== 2) {
    const rows = reshape(x, [product(x.shape.slice(0, -1)), width(x)]);
    return reshape(batchNorm(name, rows, { epsilon, affine, momentum }), x.shape, x);
  }
  return inScope(name, () => {
    const units = width(x);
    const scale = affine ? parameter('scale', [units], ones) : constant(new Array(units).fill(1), [units]);
    const shift = affine ? parameter('shift', [units], zeros) : constant(new Array(units).fill(0), [units]);
    const runningMean = state('mean', [units], zeros);
    const runningVariance = state('variance', [units], ones);
    if (!isTraining()) {
      const factor = multiply(scale, reciprocal(sqrt(add(runningVariance, epsilon))));
      return add(multiply(x, factor), subtract(shift, multiply(runningMean, factor)));
    }
    const count = sizeOf(x, 0);
    const mean = divide(columnSum(x), count);
    const variance = divide(columnSum(square(subtract(x, mean))), count);
    const inverse = reciprocal(sqrt(add(variance, epsilon)));
    const factor = multiply(scale, inverse);
    const offset = subtract(shift, multiply(mean, factor));
    const blend = (old: Tensor, now: Tensor) => add(multiply(old, momentum), multiply(now, 1 - momentum));
    const unbiased = multiply(variance, divide(count, maximum(subtract(count, 1), 1)));
    updateState(runningMean, blend(runningMean, mean));
    updateState(runningVariance, blend(runningVariance, unbiased));
    return withGradient(add(multiply(x, factor), offset), [x, scale, shift], (upstream) => {
      const shiftGradient = columnSum(upstream);
      const scaleGradient = multiply(
        subtract(columnSum(multiply(upstream, x)), multiply(mean, shiftGradient)),
        inverse,
      );
      // d/dx = factor · (g − mean(g) − x̂·mean(g·x̂)), gathered into one multiple of g, one of x and a constant.
      const slope = divide(multiply(multiply(factor, scaleGradient), inverse), count);
      const level = subtract(multiply(mean, slope), divide(multiply(factor, shiftGradient), count));
      const inputGradient = add(subtract(multiply(upstream, factor), multiply(x, slope)), level);
      return [inputGradient, affine ? scaleGradient : undefined, affine ? shiftGradient : undefined];
    });
  });
}

/** Sums over rows as a product with ones, which runs at matrix speed: [rows, units] → [units]. */
function columnSum(x: Tensor): Tensor {
  const row = broadcastTo(constant([1], [1, 1]), [x.shape[0]!, 1], x);
  return reshape(matMul(row, x, { transposeA: true }), [width(x)]);
}
