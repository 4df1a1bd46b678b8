import { z } from 'zod';
import { squeeze } from '../../graph/index.js';
import { ACTIVATIONS } from '../../nn/activations.js';
import { dense } from '../../nn/dense.js';
import { mlp } from '../../nn/mlp.js';
import { biasesOption, withBiases } from '../biases.js';
import { defineModel, type ModelParts } from '../contract.js';
import { concatSide, itemSide, requireSides, userSide } from '../sides.js';
import { crossNetwork } from './cross-network.js';

const options = z.strictObject({
  embedding: z.int().positive().default(16).describe('width of every embedding'),
  layers: z.int().positive().default(3).describe('cross layers; each raises the degree of the interactions by one'),
  rank: z
    .union([z.literal('full'), z.int().positive()])
    .default('full')
    .describe('`full`: a square matrix in every cross layer. A number r: the product of two of rank r'),
  structure: z
    .enum(['parallel', 'stacked'])
    .default('parallel')
    .describe('whether the deep network stands beside the cross network or on top of it'),
  towers: z
    .array(z.int().positive())
    .default([256, 128])
    .describe('layers of the deep network; none: the cross network alone'),
  activation: z.enum(ACTIVATIONS).default('relu').describe('of the deep network'),
  normalization: z.enum(['batch', 'layer', 'none']).default('none').describe('after each layer of the deep network'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe("share of the deep network's hidden units left out in each training step"),
  biases: biasesOption,
});

type Options = z.infer<typeof options>;

/** DCN-V2 (Wang et al., WWW 2021): explicit crosses of all fields of user and item beside a deep network. */
export default defineModel<Options>({
  name: 'dcn-v2',
  title: 'Ranker with explicit feature crosses',
  options,
  search: { embedding: { values: [8, 16, 32] }, layers: { low: 1, high: 4, whole: true } },
  create(schema, { embedding, layers, rank, structure, towers, activation, normalization, dropout, biases }) {
    requireSides('dcn-v2', schema);
    const width = { width: embedding };

    const parts: ModelParts = {
      item: (inputs) => ({ input: concatSide(itemSide(inputs, width)) }),
      user: (inputs) => ({ input: concatSide(userSide(inputs, width)) }),
      score(user, item) {
        const input = [user.input!, item.input!];
        const crossed = crossNetwork('cross', input, { layers, rank });
        const deep = { units: towers, activation, normalization, dropout };
        const top = (): Parameters<typeof dense>[1] => {
          if (structure === 'stacked') return mlp('deep', crossed, deep);
          return towers.length === 0 ? crossed : [mlp('deep', input, deep), crossed];
        };
        return squeeze(dense('out', top(), 1), -1);
      },
    };
    return biases ? withBiases(schema, parts) : parts;
  },
});
