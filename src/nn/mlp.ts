import { inScope, type Tensor } from '../graph/index.js';
import { type Activation, activate } from './activations.js';
import { dense } from './dense.js';
import { dropout } from './dropout.js';
import { glorotUniform, heNormal } from './initializers.js';
import { batchNorm, layerNorm } from './normalization.js';
import { sideBySide } from './side-by-side.js';

export interface MlpOptions {
  /** Units of each layer. */
  units: readonly number[];
  activation?: Activation;
  normalization?: 'batch' | 'layer' | 'none';
  dropout?: number;
  /** Whether the last layer is followed by normalisation, activation and dropout as the others are. */
  activateLast?: boolean;
}

/**
 * Layers of dense → normalisation → activation → dropout: [..., in] → [..., units.at(-1)]. Several inputs count as one
 * concatenation, see `dense`.
 */
export function mlp(name: string, x: Tensor | readonly Tensor[], options: MlpOptions): Tensor {
  return mlpLayers(name, x, options).at(-1) ?? ('shape' in x ? x : sideBySide(x));
}

/** The same, returning the output of every layer. */
export function mlpLayers(
  name: string,
  x: Tensor | readonly Tensor[],
  { units, activation = 'relu', normalization = 'none', dropout: rate = 0, activateLast = true }: MlpOptions,
): Tensor[] {
  return inScope(name, () => {
    const outputs: Tensor[] = [];
    let h: Tensor | readonly Tensor[] = x;
    for (const [i, size] of units.entries()) {
      const output = inScope(`layer${i + 1}`, () => {
        const last = i === units.length - 1 && !activateLast;
        const initialize = !last && (activation === 'relu' || activation === 'prelu') ? heNormal : glorotUniform;
        let y = dense('dense', h, size, { initialize, bias: last || normalization !== 'batch' });
        if (last) return y;
        if (normalization === 'batch') y = batchNorm('norm', y);
        if (normalization === 'layer') y = layerNorm('norm', y);
        return dropout(activate(y, activation), rate);
      });
      outputs.push(output);
      h = output;
    }
    return outputs;
  });
}
