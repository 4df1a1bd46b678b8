import { z } from 'zod';
import {
  add,
  concat,
  expandDims,
  flatten,
  inScope,
  matMul,
  multiply,
  parameter,
  reduceMean,
  reshape,
  slice,
  squeeze,
  type Tensor,
  transpose,
  width,
} from '../../graph/index.js';
import { activate } from '../../nn/activations.js';
import { mergeHeads, splitHeads } from '../../nn/attention.js';
import { dense } from '../../nn/dense.js';
import { glorotUniform } from '../../nn/initializers.js';
import { mlp } from '../../nn/mlp.js';
import { layerNorm } from '../../nn/normalization.js';
import { defineModel, type State } from '../contract.js';
import { itemSide, requireSides, type Side, userSide } from '../sides.js';

const options = z.strictObject({
  embedding: z.int().positive().default(16).describe('E, the width of an embedding within one channel'),
  channels: z
    .int()
    .positive()
    .default(1)
    .describe(
      'channels, each with a global compression of its own: embeddings are `channels` · E wide (MC-MLCC from 2 on)',
    ),
  heads: z.int().positive().default(4).describe('H, the dynamic networks of each channel'),
  crossing: z.array(z.int().positive()).min(1).default([2, 1]).describe('layers of the dynamic networks'),
  raw: z
    .boolean()
    .default(true)
    .describe('whether the embeddings themselves are compressed beside what the dynamic networks make of them'),
  compressed: z.int().positive().default(8).describe('E₂, what local compression leaves of a slot'),
  layers: z
    .array(z.int().positive())
    .default([256, 128, 64, 32])
    .describe('hidden layers of the network that ends in the logit'),
  dropout: z.number().min(0).lt(1).default(0.2).describe('share of hidden units left out in each training step'),
});

type Options = z.infer<typeof options>;

/** MLCC and MC-MLCC: each sample's own small networks cross its slots, which are compressed globally before and locally after. */
export default defineModel<Options>({
  name: 'mlcc',
  title: 'Ranker whose slots are crossed by networks made for each sample',
  options,
  search: { embedding: { values: [8, 16, 32] }, heads: { values: [2, 4] }, dropout: { low: 0, high: 0.4 } },
  create(schema, { embedding, channels, heads, crossing, raw, compressed, layers, dropout }) {
    requireSides('mlcc', schema);
    const total = channels * embedding;
    const first = heads * crossing[0]!;
    /** Sizes of the weights that global compression yields for one channel, layer by layer and for all heads. */
    const sizes = crossing.map((units, l) => heads * units * (l === 0 ? embedding : crossing[l - 1]!));
    const perChannel = sizes.reduce((a, b) => a + b, 0);
    const channel = (x: Tensor, c: number) => slice(x, -1, c * embedding, (c + 1) * embedding);

    /** w of one layer, from the weights of all layers and channels. */
    function weightsOf({ weights }: State, c: number, layer: number): Tensor {
      const start = c * perChannel + sizes.slice(0, layer).reduce((a, b) => a + b, 0);
      const flat = slice(weights!, -1, start, start + sizes[layer]!);
      const shape = layer === 0 ? [embedding, first] : [heads, crossing[layer - 1]!, crossing[layer]!];
      return reshape(flat, [weights!.shape[0]!, ...shape]);
    }

    /** What one side knows without the other. */
    function sideState(side: Side): State {
      const slots = stackSlots(side, total);
      const compress = (c: number) =>
        dense(`compress${c + 1}`, flatten(channel(slots, c)), perChannel, { bias: false });
      const own: State = { slots, weights: concat(range(channels).map(compress)) };
      own.crossed = concat(range(channels).map((c) => cross(channel(slots, c), weightsOf(own, c, 0))));
      return raw ? { ...own, local: perSlot('local', slots, compressed) } : own;
    }

    /** C: the slots of one side through the networks of the pair, first layer and last, heads and channels side by side. */
    function crossedSlots(side: State, other: State): Tensor {
      const outputs = range(channels).flatMap((c) => {
        const known = slice(side.crossed!, -1, c * first, (c + 1) * first);
        const layerOne = add(cross(channel(side.slots!, c), weightsOf(other, c, 0)), known);
        let z = splitHeads(layerOne, heads);
        for (let layer = 1; layer < crossing.length; layer++) {
          z = matMul(z, add(weightsOf(side, c, layer), weightsOf(other, c, layer)));
        }
        return crossing.length === 1 ? [layerOne] : [layerOne, mergeHeads(z)];
      });
      return concat(outputs);
    }

    function compressedSlots(name: string, side: State, other: State): Tensor {
      const y = perSlot(name, crossedSlots(side, other), compressed);
      return raw ? add(y, side.local!) : y;
    }

    return {
      item: (inputs) => sideState(itemSide(inputs, { width: total })),
      user: (inputs) => sideState(userSide(inputs, { width: total })),
      score(user, item) {
        const y = concat([compressedSlots('user', user, item), compressedSlots('item', item, user)], 1);
        const slots = width(y, 1);
        const squeezed = activate(dense('squeeze', reduceMean(y, -1), Math.ceil(slots / 2)), 'relu');
        const gate = activate(dense('excite', layerNorm('norm', squeezed, { affine: false }), slots), 'sigmoid');
        const h = mlp('layers', flatten(multiply(y, expandDims(gate, -1))), { units: layers, dropout });
        return squeeze(dense('logit', h, 1), -1);
      },
    };
  },
});

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Embeddings and, through a layer each, numeric fields: [rows, S, width]. */
function stackSlots({ embeddings, numbers }: Side, size: number): Tensor {
  const layer = (name: string, values: Tensor) => inScope('slots', () => dense(name, values, size, { bias: true }));
  const all = [...embeddings.map(({ values }) => values), ...numbers.map(({ name, values }) => layer(name, values))];
  return concat(
    all.map((values) => expandDims(values, 1)),
    1,
  );
}

/** x·w for each row, [a, S, E] and [b, E, k] → [max(a, b), S, k]: one matrix product where one of the two is there only once. */
function cross(x: Tensor, w: Tensor): Tensor {
  if (w.shape[0] === 1) return matMul(x, squeeze(w, 0));
  if (x.shape[0] !== 1) return matMul(x, w);
  const turned = matMul(transpose(w, [0, 2, 1]), squeeze(x, 0), { transposeB: true });
  return transpose(turned, [0, 2, 1]);
}

/** A matrix for each slot: [rows, S, k] → [rows, S, units]. */
function perSlot(name: string, x: Tensor, units: number): Tensor {
  const weight = parameter(name, [width(x, 1), width(x), units], (shape, random) => {
    const [slots, ...matrix] = shape as [number, number, number];
    const size = matrix[0]! * matrix[1]!;
    const values = new Float32Array(slots * size);
    for (let s = 0; s < slots; s++) values.set(glorotUniform(matrix, random), s * size);
    return values;
  });
  return transpose(matMul(transpose(x, [1, 0, 2]), weight), [1, 0, 2]);
}
