import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import {
  add,
  concat,
  flatten,
  inScope,
  reduceMean,
  shared,
  sigmoid,
  slice,
  squeeze,
  type Tensor,
} from '../../graph/index.js';
import { dense } from '../../nn/dense.js';
import { heNormal } from '../../nn/initializers.js';
import { biasesOption, withBiases } from '../biases.js';
import { defineModel, gatherState, type ModelParts, type State } from '../contract.js';
import { groupsOf, itemSide, requireKnown, requireSides, type Side, stackEmbeddings, userSide } from '../sides.js';
import { crossProducts, firstLayer, hiddenLayer, NORMALIZATIONS, type Piece } from './network.js';

const options = z.strictObject({
  embedding: z.int().positive().default(16).describe('width of every embedding'),
  layers: z
    .array(z.int().positive())
    .min(1)
    .default([128, 64])
    .describe('hidden layers of the network that every candidate runs through'),
  normalization: z
    .enum(NORMALIZATIONS)
    .default('none')
    .describe("`linear-log` is the paper's squashing without parameters, before each ReLU"),
  dropout: z.number().min(0).lt(1).default(0.1).describe('share of hidden units left out in each training step'),
  gate: z.boolean().default(true).describe('whether every embedding is multiplied by its importance for the pair'),
  crosses: z
    .boolean()
    .default(true)
    .describe('adds the inner product of every user embedding with every item embedding'),
  reportGates: z
    .boolean()
    .default(false)
    .describe('logs the mean importance of every feature, from which features are selected'),
  without: z
    .array(z.string())
    .default([])
    .describe('features that were not selected, such as `user.age`, `context.hour` or `history.clicks.genres`'),
  history: z.boolean().default(true).describe('uses each history of the user, pooled'),
  biases: biasesOption,
});

/** COLD (Wang et al., 2020): a whole network for every candidate, made cheap by choosing its features. */
export default defineModel<z.infer<typeof options>>({
  name: 'cold',
  title: 'A network over user, item and crosses with feature importance',
  options,
  search: {
    embedding: { values: [8, 16, 32] },
    dropout: { low: 0, high: 0.4 },
    layers: { values: [[64], [128, 64], [256, 128]] },
  },
  create(schema, o) {
    requireSides('cold', schema, o.history);
    const all = groupsOf(schema, o.history);
    requireKnown(
      'cold',
      'without',
      o.without,
      [...all.user, ...all.item].map(({ name }) => name),
    );
    const kept = {
      user: all.user.filter(({ name }) => !o.without.includes(name)),
      item: all.item.filter(({ name }) => !o.without.includes(name)),
    };
    for (const side of ['user', 'item'] as const) {
      if (kept[side].length > 0) continue;
      throw new TwoTowerError(
        'MODEL_OPTIONS',
        `cold: no feature of the ${side} is left`,
        'Shorten the option `without`.',
      );
    }
    const embedded = (side: 'user' | 'item') => kept[side].filter(({ feature }) => feature.encoding !== 'numbers');
    const gated = [...embedded('user'), ...embedded('item')].map(({ name }) => name);

    /** Fields, numbers, and this side's part of the gates' logits. */
    const prepare = (side: 'user' | 'item', complete: Side): State => {
      const keep = (groups: Side['numbers']) => groups.filter(({ name }) => !o.without.includes(name));
      const numbers = keep(complete.numbers).map(({ values }) => values);
      const state: State = numbers.length === 0 ? {} : { numbers: concat(numbers) };
      if (embedded(side).length === 0) return state;
      const fields = stackEmbeddings({ embeddings: keep(complete.embeddings), numbers: [] });
      if (!o.gate) return { ...state, fields };
      return { ...state, fields, gate: dense('gate', flatten(fields), gated.length, { bias: side === 'user' }) };
    };
    /** s of every field of both sides, the user's first: [N, M]. */
    const gates = (user: State, item: State): Tensor | undefined => {
      const halves = [user.gate, item.gate].filter((half) => half !== undefined);
      return halves.length === 0 ? undefined : sigmoid(halves.reduce(add));
    };

    const parts: ModelParts = {
      item: (inputs) => prepare('item', itemSide(inputs, { width: o.embedding })),
      user: (inputs) => prepare('user', userSide(inputs, { width: o.embedding }, o.history)),
      // Training asks for the score from another place: the weights must have the same names there.
      score: (user, item) =>
        shared('cold', () => {
          const all = gates(user, item);
          const users = embedded('user').length;
          const pieces: Piece[] = [];
          if (user.fields) pieces.push({ name: 'user', values: user.fields, gates: all && slice(all, -1, 0, users) });
          if (item.fields) pieces.push({ name: 'item', values: item.fields, gates: all && slice(all, -1, users) });
          if (o.crosses && user.fields && item.fields) {
            pieces.push({ name: 'crosses', values: crossProducts(user.fields, item.fields) });
          }
          if (user.numbers) pieces.push({ name: 'user-numbers', values: user.numbers });
          if (item.numbers) pieces.push({ name: 'item-numbers', values: item.numbers });
          const h = o.layers.reduce<Tensor | undefined>(
            (below, units, i) =>
              inScope(`layer${i + 1}`, () => {
                const sums = below ? dense('dense', below, units, { initialize: heNormal }) : firstLayer(pieces, units);
                return hiddenLayer(sums, o);
              }),
            undefined,
          );
          return squeeze(dense('logit', h!, 1), -1);
        }),
    };
    const complete = (own: ModelParts) => (o.biases ? withBiases(schema, own) : own);
    if (!o.reportGates) return complete(parts);
    if (!o.gate || gated.length === 0) {
      throw new TwoTowerError('MODEL_OPTIONS', 'cold: there are no gates to report', 'Drop the option `reportGates`.');
    }
    return complete({
      ...parts,
      train({ userState, itemState, request, itemRow }) {
        const [user, item] = [gatherState(userState, request), gatherState(itemState, itemRow)];
        const means = reduceMean(gates(user, item)!, 0);
        const metrics = gated.map((name, m) => [`gate.${name}`, squeeze(slice(means, 0, m, m + 1), 0)]);
        return { logits: parts.score(user, item), metrics: Object.fromEntries(metrics) };
      },
    });
  },
});
