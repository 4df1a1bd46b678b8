import { add, type Initializer, inScope, matMul, parameter, slice, type Tensor, width } from '../graph/index.js';
import { glorotUniform, zeros } from './initializers.js';

export interface DenseOptions {
  bias?: boolean;
  initialize?: Initializer;
}

/**
 * Fully connected layer over the last axis: x·W + b, [..., in] → [..., units].
 *
 * Several inputs count as one concatenation whose leading axes broadcast, but each is multiplied with its own rows of W
 * before it is repeated: what belongs to the user is computed once, however many items it meets. What is repeated most
 * stands best first.
 */
export function dense(
  name: string,
  x: Tensor | readonly Tensor[],
  units: number,
  { bias = true, initialize = glorotUniform }: DenseOptions = {},
): Tensor {
  const parts: readonly Tensor[] = 'shape' in x ? [x] : x;
  return inScope(name, () => {
    const total = parts.reduce((sum, part) => sum + width(part), 0);
    const weight = parameter('weight', [total, units], initialize);
    let start = 0;
    const products = parts.map((part) => {
      const rows = slice(weight, 0, start, start + width(part));
      start += width(part);
      return matMul(part, rows);
    });
    if (bias) products[0] = add(products[0]!, parameter('bias', [units], zeros));
    return products.reduce((a, b) => add(a, b));
  });
}
