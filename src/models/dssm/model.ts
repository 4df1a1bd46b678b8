import { z } from 'zod';
import {
  add,
  broadcastTo,
  concat,
  constant,
  inScope,
  multiply,
  parameter,
  reduceSum,
  type Tensor,
} from '../../graph/index.js';
import { ACTIVATIONS } from '../../nn/activations.js';
import { dense } from '../../nn/dense.js';
import { concatFields } from '../../nn/fields.js';
import { poolHistory } from '../../nn/history-pooling.js';
import { constantValue, zeros } from '../../nn/initializers.js';
import { linearBias } from '../../nn/linear-bias.js';
import { mlp } from '../../nn/mlp.js';
import { defineModel, type History } from '../contract.js';

const options = z.strictObject({
  embedding: z.int().positive().default(16).describe('width of every embedding'),
  towers: z.array(z.int().positive()).default([128, 64]).describe('hidden layers of both towers'),
  width: z.int().positive().default(32).describe('width of the two vectors whose inner product is the score'),
  activation: z.enum(ACTIVATIONS).default('relu').describe('of the hidden layers'),
  normalization: z.enum(['batch', 'layer', 'none']).default('none').describe('after each hidden layer'),
  dropout: z.number().min(0).lt(1).default(0).describe('share of hidden units left out in each training step'),
  biases: z.boolean().default(true).describe('add one learned number per user and one per item, read off their fields'),
  history: z.boolean().default(true).describe('pool each history of the user into the user tower'),
});

type Options = z.infer<typeof options>;

/** The deep structured semantic model (Huang et al., 2013): two towers that meet in one inner product. */
export default defineModel<Options>({
  name: 'dssm',
  title: 'Two towers with an inner product',
  options,
  search: {
    embedding: { values: [8, 16, 32] },
    towers: { values: [[64], [128, 64], [256, 128]] },
    width: { values: [16, 32, 64] },
    dropout: { low: 0, high: 0.4 },
  },
  create(schema, { embedding, towers, width, activation, normalization, dropout, biases, history }) {
    const tower = (x: Tensor) =>
      dense('out', mlp('tower', x, { units: towers, activation, normalization, dropout }), width, { bias: true });
    const itemBias = biases && schema.item.some((feature) => feature.encoding !== 'numbers');
    // Normalised towers start with components of size 1, however small the embeddings are. Unscaled, their inner products would
    // start at ±√width, and an epoch would go by in unlearning that noise.
    const firstScale = normalization === 'none' ? 1 : 1 / width;
    const pooled = (past: History) => poolHistory(past, { width: embedding });

    return {
      item({ fields }) {
        const vector = tower(concatFields(fields, { width: embedding }));
        const bias = biases ? linearBias(fields) : undefined;
        return { vector: bias ? concat([vector, bias]) : vector };
      },
      user({ fields, context, histories }) {
        const own = [...fields, ...context];
        const past = history ? histories.map((h) => inScope(h.name, () => pooled(h))) : [];
        // A history alone will do; with neither, concatFields says what is missing.
        const fixed = own.length === 0 && past.length > 0 ? [] : [concatFields(own, { width: embedding })];
        const raw = tower(concat([...fixed, ...past]));
        // The learned scale is folded into the user vector, and a constant 1 meets the item's bias, so that the score stays
        // an inner product an index can search.
        const vector = multiply(raw, parameter('scale', [1], constantValue(firstScale)));
        const level = add(
          (biases ? linearBias(own) : undefined) ?? multiply(reduceSum(vector, -1, true), 0),
          parameter('level', [1], zeros),
        );
        const one = broadcastTo(constant([1], [1, 1]), [vector.shape[0]!, 1], vector);
        return { vector: itemBias ? concat([vector, one]) : vector, level };
      },
      score(user, item) {
        const inner = reduceSum(multiply(user.vector!, item.vector!), -1, true);
        return reduceSum(add(inner, user.level!), -1);
      },
      retrieval: { user: 'vector', item: 'vector' },
    };
  },
});
