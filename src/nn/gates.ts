import {
  add,
  expandDims,
  inScope,
  multiply,
  reduceMean,
  sigmoid,
  softmax,
  type Tensor,
  width,
} from '../graph/index.js';
import { type Activation, activate } from './activations.js';
import { dense } from './dense.js';

export interface GateOptions {
  /** Units of a ReLU layer before the gate. */
  hidden?: number;
  bias?: boolean;
}

function gateLogits(x: Tensor, units: number, { hidden, bias = true }: GateOptions): Tensor {
  const h = hidden === undefined ? x : activate(dense('hidden', x, hidden, { bias }), 'relu');
  return dense('gate', h, units, { bias });
}

export interface SigmoidGateOptions extends GateOptions {
  /** Largest value of the gate; 2 makes it 1 at logit 0. */
  scale?: number;
}

/** Factors between 0 and `scale`, each by itself: [..., in] → [..., units]. */
export function sigmoidGate(name: string, x: Tensor, units: number, options: SigmoidGateOptions = {}): Tensor {
  return inScope(name, () => multiply(sigmoid(gateLogits(x, units, options)), options.scale ?? 1));
}

/** Shares that sum to 1, such as those of experts: [..., in] → [..., units]. */
export function softmaxGate(name: string, x: Tensor, units: number, options: GateOptions = {}): Tensor {
  return inScope(name, () => softmax(gateLogits(x, units, options)));
}

export interface SqueezeExcitationOptions extends GateOptions {
  /** What turns the excitation into factors; `softmax` goes over the fields. */
  gate?: Activation | 'softmax';
  /** Adds the fields themselves to the gated ones. */
  residual?: boolean;
}

/**
 * Squeeze and excitation of fields (Hu et al., 2018; for recommendation Huang et al., 2019): each field's mean,
 * through one layer (or two with `hidden`), gives one factor per field. [..., S, d] → [..., S, d].
 *
 * Light-SE is `{ gate: 'softmax', residual: true, bias: false }`; the classic block is `{ hidden: S/2, gate:
 * 'sigmoid' }`.
 */
export function squeezeExcitation(name: string, fields: Tensor, options: SqueezeExcitationOptions = {}): Tensor {
  const { gate = 'sigmoid', residual = false } = options;
  return inScope(name, () => {
    const logits = gateLogits(reduceMean(fields, -1), width(fields, -2), options);
    const factors = gate === 'softmax' ? softmax(logits) : activate(logits, gate);
    const gated = multiply(fields, expandDims(factors, -1));
    return residual ? add(fields, gated) : gated;
  });
}
