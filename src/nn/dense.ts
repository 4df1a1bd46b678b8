import { add, type Initializer, inScope, matMul, parameter, type Tensor, width } from '../graph/index.js';
import { glorotUniform, zeros } from './initializers.js';

export interface DenseOptions {
  bias?: boolean;
  initialize?: Initializer;
}

/** Fully connected layer over the last axis: x·W + b, [..., in] → [..., units]. */
export function dense(
  name: string,
  x: Tensor,
  units: number,
  { bias = true, initialize = glorotUniform }: DenseOptions = {},
): Tensor {
  return inScope(name, () => {
    const product = matMul(x, parameter('weight', [width(x), units], initialize));
    return bias ? add(product, parameter('bias', [units], zeros)) : product;
  });
}
