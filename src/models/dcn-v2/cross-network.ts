import { add, inScope, multiply, type Tensor, width } from '../../graph/index.js';
import { dense } from '../../nn/dense.js';
import { sideBySide } from '../../nn/side-by-side.js';

export interface CrossNetworkOptions {
  layers: number;
  /** `full` for a square matrix, r for U·Vᵀ of rank r. */
  rank: 'full' | number;
}

/**
 * Cross layers x₍ₗ₊₁₎ = x₀ ⊙ (W·xₗ + b) + xₗ over the inputs side by side: their widths together give d, the result is
 * [..., d]. In the first layer each input is multiplied before it is repeated for the other one.
 */
export function crossNetwork(name: string, inputs: readonly Tensor[], { layers, rank }: CrossNetworkOptions): Tensor {
  return inScope(name, () => {
    const x0 = sideBySide(inputs);
    const size = width(x0);
    let x = x0;
    for (let layer = 1; layer <= layers; layer++) {
      x = inScope(`layer${layer}`, () => {
        const from = layer === 1 ? inputs : x;
        const projected = rank === 'full' ? from : dense('v', from, rank, { bias: false });
        return add(multiply(x0, dense(rank === 'full' ? 'w' : 'u', projected, size)), x);
      });
    }
    return x;
  });
}
