import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import { concat, inScope, multiply, normalizeLength, type Tensor } from '../../graph/index.js';
import { ACTIVATIONS } from '../../nn/activations.js';
import { dense } from '../../nn/dense.js';
import { sumFields } from '../../nn/field-sum.js';
import { concatFields } from '../../nn/fields.js';
import { poolHistory } from '../../nn/history-pooling.js';
import { mlp } from '../../nn/mlp.js';
import { innerProduct } from '../../nn/similarity.js';
import { defineModel } from '../contract.js';

const options = z.strictObject({
  embedding: z.int().positive().default(32).describe('width of every embedding, and so of the two vectors that meet'),
  towers: z.array(z.int().positive()).default([128, 64]).describe('hidden layers of the user tower; may be empty'),
  activation: z.enum(ACTIVATIONS).default('relu').describe('of the hidden layers'),
  dropout: z.number().min(0).lt(1).default(0).describe('share of hidden units left out in each training step'),
  tied: z
    .boolean()
    .default(true)
    .describe('whether an item as a candidate has the embedding it has in a history, instead of one of its own'),
  temperature: z.number().positive().optional().describe('τ: compares by cosine/τ instead of the inner product'),
});

type Options = z.infer<typeof options>;

/** Vectors shorter than this keep their length, so that a user of whom nothing is known has no direction blown up from nothing. */
const SHORT = 1e-3;

/** Candidate generation as a softmax over items (Covington et al., 2016, section 3), with the two-tower form of Yi et al. (2019). */
export default defineModel<Options>({
  name: 'youtube-dnn',
  title: 'Pooled history and a deep user tower against item embeddings',
  options,
  search: {
    embedding: { values: [16, 32, 64] },
    towers: { values: [[64], [128, 64], [256, 128]] },
    dropout: { low: 0, high: 0.4 },
  },
  create(schema, { embedding, towers, activation, dropout, tied, temperature }) {
    if (schema.item.length === 0) throw nothing('item field', 'item embedding');
    if ([...schema.user, ...schema.context, ...schema.histories].length === 0) {
      throw nothing('user field, context field or history', 'user tower');
    }
    const direction = (vector: Tensor) => (temperature === undefined ? vector : normalizeLength(vector, SHORT * SHORT));

    return {
      item({ fields }) {
        return { vector: direction(sumFields(fields, { width: embedding, table: tied ? '' : 'output/' })) };
      },
      user({ fields, context, histories }) {
        const own = [...fields, ...context];
        const watched = histories.map((past) => inScope(past.name, () => poolHistory(past, { width: embedding })));
        const x = concat(own.length === 0 ? watched : [...watched, concatFields(own, { width: embedding })]);
        const hidden = mlp('tower', x, { units: towers, activation, dropout });
        // 1/τ is folded into the user's vector, so that an index over item vectors finds what the score finds.
        return { vector: multiply(direction(dense('out', hidden, embedding)), 1 / (temperature ?? 1)) };
      },
      score: (user, item) => innerProduct(user.vector!, item.vector!),
      retrieval: { user: 'vector', item: 'vector' },
    };
  },
});

function nothing(what: string, place: string): TwoTowerError {
  return new TwoTowerError(
    'MODEL_OPTIONS',
    `youtube-dnn: the data has no ${what} for the ${place}`,
    'Add one to the dataset description.',
  );
}
