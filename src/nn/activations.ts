import {
  add,
  constant,
  elu,
  erf,
  greater,
  multiply,
  parameter,
  relu,
  sigmoid,
  type Tensor,
  tanh,
  where,
  width,
} from '../graph/index.js';
import { constantValue } from './initializers.js';

export const ACTIVATIONS = ['relu', 'gelu', 'elu', 'swish', 'tanh', 'sigmoid', 'prelu', 'linear'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

/** x·Φ(x), with the exact normal distribution function. */
export const gelu = (x: Tensor): Tensor => multiply(x, multiply(add(erf(multiply(x, Math.SQRT1_2)), 1), 0.5));

export const swish = (x: Tensor): Tensor => multiply(x, sigmoid(x));

/** ReLU with a learned slope for negative values, one per unit (He et al., 2015). */
export function prelu(x: Tensor): Tensor {
  const slope = parameter('slope', [width(x)], constantValue(0.25));
  // One product, and its gradient another: the slope of each value is 1 or the learned one.
  return multiply(x, where(greater(x, 0), constant([1], []), slope));
}

export function activate(x: Tensor, activation: Activation): Tensor {
  const functions: Record<Activation, (x: Tensor) => Tensor> = {
    relu,
    gelu,
    elu,
    swish,
    tanh,
    sigmoid,
    prelu,
    linear: (t) => t,
  };
  return functions[activation](x);
}
