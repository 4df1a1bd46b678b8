import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import { concat, gather, multiply, type Tensor, width } from '../../graph/index.js';
import { ACTIVATIONS } from '../../nn/activations.js';
import { dense } from '../../nn/dense.js';
import { concatFields, embedFields, type Field } from '../../nn/fields.js';
import { mlp } from '../../nn/mlp.js';
import type { Schema } from '../../schema.js';
import { biasesOption, withBiases } from '../biases.js';
import { defineModel, gatherState, type ModelParts, type State } from '../contract.js';
import { annealed, MetaQueryModule } from './meta-query.js';
import { pickRow } from './pick-row.js';
import { queryMetrics } from './query-metrics.js';
import { SCORERS, similarityScore } from './similarity-scorer.js';
import { forManyQueries, gatherKnowledge, knowledge, splitHeads, type UserKnowledge, userTower } from './user-tower.js';

const options = z.strictObject({
  embedding: z.int().positive().default(16).describe('width of every embedding'),
  queries: z.int().positive().default(64).describe('N, the number of meta vectors'),
  metaQuery: z
    .enum(['self-attention', 'plain', 'none'])
    .default('self-attention')
    .describe(
      '`self-attention`: G = (M·Mᵀ)·M. `plain`: G = M. `none`: no Meta Query Module, a user tower that meets no query',
    ),
  temperature: z
    .strictObject({
      start: z.number().positive().default(1).describe('temperature of the first step'),
      end: z.number().positive().default(0.001).describe('lowest temperature'),
      epochs: z.number().positive().default(1).describe('epochs until a temperature of 0 would be reached'),
    })
    .prefault({})
    .describe(
      'of the soft queries; linear from `start` to `end` over `epochs`. The same `start` and `end`: no annealing',
    ),
  standardized: z
    .boolean()
    .default(true)
    .describe('compares attributes with M after subtracting their mean over the items and dividing by their deviation'),
  attention: z.array(z.int().positive()).default([64, 16]).describe('hidden layers of the attention unit'),
  queryAsFeature: z
    .boolean()
    .default(true)
    .describe('whether the query is an input of the user tower besides being the target of its attention'),
  towers: z.array(z.int().positive()).min(1).default([256, 128, 64]).describe('layers of both towers'),
  activation: z.enum(ACTIVATIONS).default('relu').describe('of both towers'),
  normalization: z.enum(['batch', 'layer', 'none']).default('batch').describe('after each hidden layer of both towers'),
  dropout: z.number().min(0).lt(1).default(0.1).describe('share of hidden units left out in each training step'),
  userHeads: z.int().positive().default(2).describe('H_u: heads of the user tower'),
  itemHeads: z.int().positive().default(2).describe('H_v: heads of the item tower'),
  headWidth: z.int().positive().default(64).describe('p: width of a head'),
  scorer: z
    .enum(SCORERS)
    .default('lss')
    .describe(
      '`lss`: rows, then columns of the similarity matrix. `flattened`: all of it at once. `sum-max` and `dot` learn nothing',
    ),
  scorerWidth: z.int().positive().default(16).describe("r, the width of the scorer's fully connected layers"),
  biases: biasesOption,
});

type Options = z.infer<typeof options>;

/** FIT (Xiong et al., SIGIR 2025): a user tower that attends with a learned stand-in for the item, and a learned similarity. */
export default defineModel<Options>({
  name: 'fit',
  title: 'Fully interacted two towers with meta queries and a learned similarity',
  options,
  search: { embedding: { values: [8, 16, 32] }, queries: { values: [16, 32, 64] }, dropout: { low: 0, high: 0.4 } },
  create(schema, choices) {
    check(schema, choices);
    const { embedding, queries, metaQuery, scorer, scorerWidth, itemHeads, userHeads, headWidth } = choices;
    const { standardized, towers, activation, normalization, dropout } = choices;
    const tower = { units: towers, activation, normalization, dropout };
    /** An inner product compares vectors, not heads. */
    const shapeOf = (heads: number) => (scorer === 'dot' ? [heads * headWidth] : [heads, headWidth]);
    const attributeNames = attributesOf(schema);
    const module = () =>
      new MetaQueryModule(queries, attributeNames.length * embedding, metaQuery !== 'plain', standardized);
    /** x_c: the attributes of items side by side, [I, D]. */
    const attributes = (fields: readonly Field[]) => concat(embedFields(fields, { width: embedding }));
    const represent = (known: UserKnowledge, query?: Tensor) => {
      const heads = userTower(known, query, { ...choices, tower, heads: shapeOf(userHeads) });
      // An index compares vectors as they are: the factor that keeps the first inner products small belongs to the user's.
      return scorer === 'dot' ? multiply(heads, 1 / Math.sqrt(width(heads))) : heads;
    };
    const complete = (parts: ModelParts) => (choices.biases ? withBiases(schema, parts) : parts);
    const compare = (user: Tensor, item: Tensor) => similarityScore(scorer, user, item, scorerWidth);

    /** Offline: the item's heads, which no user reaches. */
    const item = (fields: readonly Field[]): State => {
      const hidden = mlp('tower', concatFields(fields, { width: embedding }), tower);
      return { heads: splitHeads(dense('heads', hidden, itemHeads * headWidth), shapeOf(itemHeads)) };
    };
    const known = (inputs: Parameters<ModelParts['user']>[0]) => knowledge(inputs, attributeNames, embedding);
    if (metaQuery === 'none') {
      return complete({
        item: ({ fields }) => item(fields),
        user: (inputs) => ({ heads: represent(known(inputs)) }),
        score: (user, items) => compare(user.heads!, items.heads!),
        ...(scorer === 'dot' && { retrieval: { user: 'heads', item: 'heads' } }),
      });
    }

    const parts: ModelParts = {
      item: ({ fields }) => ({ ...item(fields), query: module().index(attributes(fields)) }),
      // Every hard query at once: [B, N, H_u, p], of which each candidate picks one.
      user: (inputs) => ({ heads: represent(forManyQueries(known(inputs)), module().queryGroup) }),
      score: (user, items) => compare(pickRow(user.heads!, items.query!), items.heads!),
      // A pair alone needs one hard query, not all of them.
      pairs({ user, items, request, itemRow }) {
        const query = module().hard(gather(items.query!, itemRow));
        return compare(represent(gatherKnowledge(known(user), request), query), gather(items.heads!, itemRow));
      },
      // In training every pair has a soft query of its own.
      train({ user, item: items, itemState, request, itemRow, step, stepsPerEpoch }) {
        const mqm = module();
        const temperature = annealed(choices.temperature, step, stepsPerEpoch);
        const soft = mqm.soft(attributes(items.fields), temperature);
        const heads = represent(gatherKnowledge(known(user), request), gather(soft, itemRow));
        return {
          logits: compare(heads, gatherState({ heads: itemState.heads! }, itemRow).heads!),
          metrics: { temperature, ...queryMetrics(mqm, soft, itemState.query!) },
        };
      },
    };
    return complete(parts);
  },
});

/** Names of the item fields that queries are made of: all with ids. */
function attributesOf({ item }: Schema): string[] {
  return item.filter(({ encoding }) => encoding !== 'numbers').map(({ name }) => name);
}

function check(schema: Schema, { metaQuery, queryAsFeature, scorer, userHeads, itemHeads }: Options): void {
  const refuse = (what: string, remedy: string): never => {
    throw new TwoTowerError('MODEL_OPTIONS', `fit: ${what}`, remedy);
  };
  const attributes = attributesOf(schema);
  const histories = schema.histories.filter(({ features }) => features.some(({ name }) => attributes.includes(name)));
  if (schema.item.length === 0) refuse('the data has no item field', 'Add one to the dataset description.');
  if (metaQuery !== 'none' && attributes.length === 0) {
    refuse('the data has no item field with ids, which queries are made of', 'Add one to the dataset description.');
  }
  if ([...schema.user, ...schema.context, ...histories].length === 0) {
    refuse(
      'the data has no user field, context field or history for the user tower',
      'Add one to the dataset description.',
    );
  }
  if (metaQuery !== 'none' && !queryAsFeature && histories.length === 0) {
    refuse(
      'without a history the query is of no use unless it is a feature',
      'Set queryAsFeature: true or metaQuery: none.',
    );
  }
  if (scorer === 'dot' && userHeads !== itemHeads) {
    refuse(
      `an inner product needs as many user heads as item heads, not ${userHeads} and ${itemHeads}`,
      'Set both to the same.',
    );
  }
}
