import { z } from 'zod';
import {
  add,
  broadcastTo,
  concat,
  flatten,
  type Initializer,
  multiply,
  normalizeLength,
  parameter,
  reduceSum,
  reshape,
  shared,
  squeeze,
  type Tensor,
  width,
} from '../src/graph/index.js';
import { defineModel } from '../src/models/contract.js';
import { activate } from '../src/nn/activations.js';
import { dense } from '../src/nn/dense.js';
import { dropout } from '../src/nn/dropout.js';
import { concatFields, embedFields, type Field, numberFields } from '../src/nn/fields.js';
import { squeezeExcitation } from '../src/nn/gates.js';
import { constantValue, heNormal, normal, zeros } from '../src/nn/initializers.js';
import { linearBias } from '../src/nn/linear-bias.js';
import { batchNorm } from '../src/nn/normalization.js';

// The baselines of IntTower's public script, each peculiarity of which can be turned off.

const EMBEDDING = 32;
const LAYERS = [300, 300, 128];

/** Embeddings and weights that begin at a ten-thousandth, as the script has them, or as they do here. */
const start = z.enum(['tiny', 'usual']).default('tiny');
const embedding = (said: 'tiny' | 'usual') => ({ width: EMBEDDING, initialize: normal(said === 'tiny' ? 1e-4 : 0.01) });
const weights = (said: 'tiny' | 'usual'): Initializer => (said === 'tiny' ? normal(1e-4) : heNormal);

/** Two towers that end in a normalised ReLU, and the bare cosine of what comes out. */
export const printedTwoTower = defineModel({
  name: 'printed-two-tower',
  title: "The two-tower of IntTower's script",
  options: z.strictObject({
    start,
    lastReLU: z.boolean().default(true).describe('whether the vectors have no negative component'),
    score: z
      .enum(['cosine', 'scaled-cosine', 'inner'])
      .default('cosine')
      .describe('bare, times a learned number that begins at 10, or an inner product'),
  }),
  create(_schema, { start: said, lastReLU, score }) {
    const tower = (fields: readonly Field[]) => {
      const vector = LAYERS.reduce(
        (x, units, i) => {
          const y = batchNorm(`norm${i}`, dense(`layer${i}`, x, units, { initialize: weights(said), bias: false }));
          return i < LAYERS.length - 1 || lastReLU ? activate(y, 'relu') : y;
        },
        concatFields(fields, embedding(said)),
      );
      return score === 'inner' ? vector : normalizeLength(vector);
    };
    const constant = (name: string, value: number, like: Tensor) =>
      broadcastTo(parameter(name, [1, 1], constantValue(value)), [like.shape[0]!, 1], like);
    return {
      item: ({ fields }) => ({ vector: tower(fields) }),
      user({ fields }) {
        const vector = tower(fields);
        // Normalised vectors have 128 components of size 1.
        const factor = score === 'cosine' ? undefined : constant('scale', score === 'inner' ? 1 / 128 : 10, vector);
        return { vector: factor ? multiply(vector, factor) : vector, level: constant('level', 0, vector) };
      },
      score: (user, item) => add(reduceSum(multiply(user.vector!, item.vector!), -1), squeeze(user.level!, -1)),
    };
  },
});

/** A gate with a bottleneck over all embeddings, a network without normalisation, and a linear part. */
export const printedCold = defineModel({
  name: 'printed-cold',
  title: "The COLD of IntTower's script",
  options: z.strictObject({ start }),
  create(schema, { start: said }) {
    const count = (side: 'user' | 'item') => schema[side].filter(({ encoding }) => encoding !== 'numbers').length;
    const side = (fields: readonly Field[]) => {
      const numbers = concat(numberFields(fields));
      return {
        embeddings: concat(embedFields(fields, embedding(said))),
        numbers,
        linear: add(linearBias(fields)!, dense('linear', numbers, 1, { initialize: zeros })),
      };
    };
    return {
      item: ({ fields }) => side(fields),
      user: ({ fields }) => side(fields),
      score: (user, item) =>
        shared('cold', () => {
          // One request may meet many items.
          const met = (values: Tensor) => broadcastTo(values, [item.linear!.shape[0]!, width(values)], item.linear!);
          const flat = concat([met(user.embeddings!), item.embeddings!]);
          const fields = reshape(flat, [flat.shape[0]!, count('user') + count('item'), EMBEDDING]);
          const hidden = Math.floor((count('user') + count('item')) / 2);
          const gated = squeezeExcitation('gate', fields, { hidden, gate: 'relu', residual: true });
          const x = LAYERS.reduce(
            (h, units, i) => {
              return dropout(activate(dense(`layer${i}`, h, units, { initialize: weights(said) }), 'relu'), 0.1);
            },
            concat([flatten(gated), met(user.numbers!), item.numbers!]),
          );
          const deep = dense('logit', x, 1, { initialize: weights(said), bias: true });
          return squeeze(add(add(deep, user.linear!), item.linear!), -1);
        }),
    };
  },
});
