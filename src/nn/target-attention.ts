import {
  add,
  expandDims,
  inScope,
  masked,
  matMul,
  multiply,
  parameter,
  putBack,
  repeatUsed,
  slice,
  squeeze,
  subtract,
  type Tensor,
  takeUsed,
  used,
  width,
} from '../graph/index.js';
import { type Activation, activate } from './activations.js';
import { dense } from './dense.js';
import { glorotUniform, zeros } from './initializers.js';
import { maskedSoftmax } from './masked-softmax.js';
import { layerNorm } from './normalization.js';
import { weightedSum } from './pooling.js';

export interface TargetAttentionOptions {
  /** Hidden layers of the activation unit; the layer to one number follows. */
  units?: readonly number[];
  activation?: Activation;
  normalization?: 'layer' | 'none';
  /** Whether the layers have biases. */
  bias?: boolean;
  /** `softmax`: weights sum to 1 over the list. `raw`: as the unit gives them, as in the original. */
  weights?: 'softmax' | 'raw';
  /** [..., L, e]: more input of the unit about each position, such as the embedded time lag. */
  extra?: Tensor;
}

/**
 * The activation unit of DIN (Zhou et al., 2018, section 4.3): one number per position, an MLP over [q; s; q−s;
 * q⊙s].
 *
 * The first layer W₁q + W₂s + W₃(q−s) + W₄(q⊙s) is computed as (W₁+W₃)q + (W₂−W₃)s + W₄(q⊙s): the first term once
 * per query, the second once per list, however many queries meet however many lists. Its weight [4d + e, units] has
 * the rows of W₁, W₂, W₃, W₄, then those of `extra`.
 * @param query [..., d]
 * @param sequence [..., L, d]; leading axes broadcast against those of the query
 * @returns [..., L]
 */
export function activationUnit(
  name: string,
  query: Tensor,
  sequence: Tensor,
  options: TargetAttentionOptions = {},
  meet: Meeting = overAxis,
): Tensor {
  const { units = [64, 16], activation = 'relu', normalization = 'none', bias = true, extra } = options;
  return inScope(name, () => {
    let h: Tensor | undefined;
    for (const [i, size] of [...units, 1].entries()) {
      h = inScope(`layer${i + 1}`, () => {
        const y =
          h === undefined ? splitLayer(query, sequence, size, bias, extra, meet) : dense('dense', h, size, { bias });
        if (i === units.length) return y;
        return activate(normalization === 'layer' ? layerNorm('norm', y) : y, activation);
      });
    }
    return squeeze(h!, -1);
  });
}

/** Gives what there is of each query, [..., d], the axes of what it is compared with. */
type Meeting = (ofQuery: Tensor) => Tensor;

const overAxis: Meeting = (ofQuery) => expandDims(ofQuery, -2);

function splitLayer(
  query: Tensor,
  sequence: Tensor,
  units: number,
  bias: boolean,
  extra: Tensor | undefined,
  meet: Meeting,
): Tensor {
  return inScope('dense', () => {
    const d = width(query);
    const rows = 4 * d + (extra === undefined ? 0 : width(extra));
    const weight = parameter('weight', [rows, units], glorotUniform);
    const [w1, w2, w3, w4] = [0, 1, 2, 3].map((i) => slice(weight, 0, i * d, (i + 1) * d)) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const ofQuery = matMul(query, add(w1, w3));
    const once = bias ? add(ofQuery, parameter('bias', [units], zeros)) : ofQuery;
    const ofSequence = matMul(sequence, subtract(w2, w3));
    const perPosition =
      extra === undefined ? ofSequence : add(ofSequence, matMul(extra, slice(weight, 0, 4 * d, rows)));
    const ofBoth = matMul(multiply(meet(query), sequence), w4);
    return add(add(ofBoth, meet(once)), perPosition);
  });
}

/**
 * Target attention: the list summed with the weights that the activation unit gives it for the query. An empty list
 * gives zeros. Where a mask says how much of a list there is, no more of it is asked, but in the last case.
 *
 * | | query | sequence | mask | result |
 * |---|---|---|---|---|
 * | one candidate per request | [B, d] | [B, L, d] | [B, L] | [B, d] |
 * | candidates of one user (serving) | [N, d] | [1, L, d] | [1, L] | [N, d] |
 * | N queries for each of B users | [N, d] or [B, N, d] | [B, 1, L, d] | [B, 1, L] | [B, N, d] |
 */
export function targetAttention(
  name: string,
  query: Tensor,
  sequence: Tensor,
  mask?: Tensor,
  options: TargetAttentionOptions = {},
): Tensor {
  if (mask !== undefined && sequence.shape[0] === 1 && sequence.shape.length === 3) {
    // One list for all queries: it ends up as long as it is.
    const events = used(mask);
    const shorten = (x: Tensor) => expandDims(takeUsed(x, events), 0);
    const { extra } = options;
    const shortened = extra === undefined ? options : { ...options, extra: shorten(extra) };
    return targetAttention(name, query, shorten(sequence), undefined, shortened);
  }
  const scores = unpaddedScores(name, query, sequence, mask, options);
  if (options.weights === 'raw') return weightedSum(mask === undefined ? scores : masked(scores, mask), sequence);
  return weightedSum(maskedSoftmax(scores, mask), sequence);
}

/** What the unit gives each position; where every query has a list of its own, those without an event are not asked. */
function unpaddedScores(
  name: string,
  query: Tensor,
  sequence: Tensor,
  mask: Tensor | undefined,
  options: TargetAttentionOptions,
): Tensor {
  const ownLists = mask?.shape.length === 2 && query.shape.length === 2 && query.shape[0] === sequence.shape[0];
  if (mask === undefined || !ownLists) return activationUnit(name, query, sequence, options);
  const events = used(mask);
  const { extra } = options;
  const taken = extra === undefined ? options : { ...options, extra: takeUsed(extra, events) };
  const spread: Meeting = (ofQuery) => repeatUsed(ofQuery, events, 'list');
  return putBack(activationUnit(name, query, takeUsed(sequence, events), taken, spread), events);
}
