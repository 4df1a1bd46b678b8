import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import { inScope, squeeze, type Tensor } from '../../graph/index.js';
import { ACTIVATIONS } from '../../nn/activations.js';
import { dense } from '../../nn/dense.js';
import { perEvent } from '../../nn/events.js';
import { concatFields, type Field, lastMask } from '../../nn/fields.js';
import { mlp } from '../../nn/mlp.js';
import { targetAttention } from '../../nn/target-attention.js';
import type { HistoryFeature } from '../../schema.js';
import { biasesOption, withBiases } from '../biases.js';
import { defineModel, type ModelParts, type State } from '../contract.js';

const options = z.strictObject({
  embedding: z.int().positive().default(16).describe('width of every embedding'),
  attention: z.array(z.int().positive()).default([80, 40]).describe('hidden layers of the activation unit'),
  weights: z
    .enum(['raw', 'softmax'])
    .default('raw')
    .describe('`raw`: the interest is as strong as the unit says, as in the paper. `softmax`: its weights sum to 1'),
  towers: z
    .array(z.int().positive())
    .default([200, 80])
    .describe('hidden layers between the pooled interest and the logit'),
  activation: z.enum(ACTIVATIONS).default('prelu').describe('of both networks'),
  normalization: z.enum(['batch', 'layer', 'none']).default('none').describe('of the layers to the logit'),
  dropout: z.number().min(0).lt(1).default(0).describe('share of hidden units left out in each training step'),
  biases: biasesOption,
});

type Options = z.infer<typeof options>;

/** The Deep Interest Network (Zhou et al., KDD 2018): every candidate asks the user's history anew. */
export default defineModel<Options>({
  name: 'din',
  title: 'Ranker with attention of the candidate over the history',
  options,
  search: { embedding: { values: [8, 16, 32] }, dropout: { low: 0, high: 0.4 }, towers: { values: [[80], [200, 80]] } },
  create(schema, { embedding, attention, weights, towers, activation, normalization, dropout, biases }) {
    if (schema.item.length === 0) throw missing('item field', 'candidate');
    const histories = schema.histories.filter(({ features }) => features.length > 0);
    if (histories.length === 0) throw missing('history with features', 'attention');
    const embed = (fields: readonly Field[]) => concatFields(fields, { width: embedding });
    /** The candidate seen as an event of the history would be: the same fields in the same order. */
    const asEvent = (fields: readonly Field[], { features }: HistoryFeature) =>
      features.flatMap(({ name }) => fields.filter(({ feature }) => feature.name === name));

    const parts: ModelParts = {
      item({ fields }) {
        const state: State = { fields: embed(fields) };
        for (const history of histories) state[`event.${history.name}`] = embed(asEvent(fields, history));
        return state;
      },
      user({ fields, context, histories: past }) {
        const state: State = {};
        const own = [...fields, ...context];
        if (own.length > 0) state.profile = embed(own);
        for (const one of past.filter(({ fields: events }) => events.length > 0)) {
          state[`events.${one.name}`] = inScope(one.name, () => perEvent(one, embed));
          state[`length.${one.name}`] = one.length;
        }
        return state;
      },
      score(user, item) {
        const interest = ({ name, maxLength }: HistoryFeature): Tensor =>
          inScope(name, () => {
            const mask = lastMask(maxLength, user[`length.${name}`]!);
            const unit = { units: attention, activation, weights };
            return targetAttention('attention', item[`event.${name}`]!, user[`events.${name}`]!, mask, unit);
          });
        const profile = user.profile === undefined ? [] : [user.profile];
        const parts = [...profile, item.fields!, ...histories.map(interest)];
        const hidden = mlp('tower', parts, { units: towers, activation, normalization, dropout });
        return squeeze(dense('out', hidden, 1), -1);
      },
    };
    return biases ? withBiases(schema, parts) : parts;
  },
});

function missing(what: string, use: string): TwoTowerError {
  return new TwoTowerError(
    'MODEL_OPTIONS',
    `din: the data has no ${what} for the ${use}`,
    'Add one to the dataset description.',
  );
}
