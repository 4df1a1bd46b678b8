import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import {
  add,
  broadcastTo,
  concat,
  flatten,
  greater,
  indicator,
  isTraining,
  multiply,
  parameter,
  reduceMean,
  squeeze,
  stopGradient,
  subtract,
  type Tensor,
} from '../../graph/index.js';
import { headBank } from '../../nn/head-bank.js';
import { constantValue, zeros } from '../../nn/initializers.js';
import { mlp } from '../../nn/mlp.js';
import { cosine, maxSim } from '../../nn/similarity.js';
import type { Feature } from '../../schema.js';
import { biasesOption, withBiases } from '../biases.js';
import { defineModel, gatherState, type ModelParts, type State } from '../contract.js';
import { itemSide, requireKnown, requireSides, type Side, userSide } from '../sides.js';

const options = z.strictObject({
  embedding: z.int().positive().default(32).describe('width of every embedding'),
  towers: z.array(z.int().positive()).default([300, 300, 32]).describe('hidden layers of both towers'),
  normalization: z.enum(['batch', 'layer', 'none']).default('batch').describe('after each hidden layer of both towers'),
  dropout: z.number().min(0).lt(1).default(0.3).describe('share of hidden units left out in each training step'),
  heads: z.int().positive().default(2).describe('H: heads of each side'),
  width: z.int().positive().default(16).describe('d: width of a head; mimic vectors are H·d wide'),
  mimicWeight: z.number().positive().default(0.1).describe('α: weight of the four losses of the generators'),
  mimicSign: z
    .enum(['attract', 'released'])
    .default('attract')
    .describe(
      '`attract` draws the mimic vectors to what they imitate; `released` has the sign of the released code, which drives them away',
    ),
  userStatic: z
    .array(z.string())
    .min(1)
    .optional()
    .describe("features that the user's generators read; all of the user's own unless given"),
  itemStatic: z
    .array(z.string())
    .min(1)
    .optional()
    .describe("features that the item's generators read; all of the item unless given"),
  scale: z.boolean().default(true).describe('multiplies the maximum similarity by a learned number'),
  history: z.boolean().default(true).describe('pools each history of the user into the user tower'),
  biases: biasesOption,
});

/** HIT (Yang et al., 2025): each tower imagines its counterpart by mimic vectors, and they meet through several heads. */
export default defineModel<z.infer<typeof options>>({
  name: 'hit',
  title: 'Towers with mimic vectors of their counterpart and several heads',
  options,
  search: { embedding: { values: [8, 16, 32] }, heads: { values: [2, 4] }, dropout: { low: 0, high: 0.4 } },
  create(schema, o) {
    requireSides('hit', schema, o.history);
    const staticNames = {
      user: staticFeatures('user', schema.user, o.userStatic),
      item: staticFeatures('item', schema.item, o.itemStatic),
    };
    const firstScale = o.normalization === 'none' ? 1 : 1 / o.width;
    const mimicWidth = o.heads * o.width;

    const tower = (side: Side, owner: 'user' | 'item') => {
      const known = [...side.embeddings, ...side.numbers];
      const fields = concat(
        staticNames[owner].map((name) => known.find((one) => one.name === `${owner}.${name}`)!.values),
      );
      const generate = (name: string) => mlp(name, stopGradient(fields), { units: [mimicWidth, mimicWidth] });
      const mimics: State = { mimicPositive: generate('positive'), mimicNegative: generate('negative') };
      const x = concat([
        ...side.embeddings.map(({ values }) => values),
        ...Object.values(mimics).map(stopGradient),
        ...side.numbers.map(({ values }) => values),
      ]);
      const { towers: units, normalization, dropout } = o;
      const heads = headBank('heads', mlp('tower', x, { units, normalization, dropout }), o.heads, o.width);
      return { heads, mimics: isTraining() ? mimics : {} };
    };

    const parts: ModelParts = {
      item(inputs) {
        const { heads, mimics } = tower(itemSide(inputs, { width: o.embedding }), 'item');
        return { heads, ...mimics };
      },
      user(inputs) {
        const { heads, mimics } = tower(userSide(inputs, { width: o.embedding }, o.history), 'user');
        return {
          heads: o.scale ? multiply(heads, parameter('scale', [1], constantValue(firstScale))) : heads,
          level: broadcastTo(parameter('level', [1, 1], zeros, { decay: false }), [heads.shape[0]!, 1], heads),
          ...mimics,
        };
      },
      score: (user, item) => add(maxSim(user.heads!, item.heads!), squeeze(user.level!, -1)),
    };
    /** Mean over the pairs of one label of how far a mimic vector is from what it imitates, which learns nothing from it. */
    const mimicLoss = (mimic: Tensor, heads: Tensor, share: Tensor) => {
      const similarity = cosine(mimic, stopGradient(flatten(heads)));
      const distance = o.mimicSign === 'attract' ? subtract(1, similarity) : similarity;
      return multiply(reduceMean(multiply(share, distance)), o.mimicWeight);
    };
    const complete: ModelParts = {
      ...parts,
      train({ userState, itemState, request, itemRow, label }) {
        const user = gatherState(userState, request);
        const item = gatherState(itemState, itemRow);
        const clicked = indicator(greater(label, 0));
        const skipped = subtract(1, clicked);
        return {
          logits: parts.score(user, item),
          losses: {
            'user-positive': mimicLoss(user.mimicPositive!, item.heads!, clicked),
            'user-negative': mimicLoss(user.mimicNegative!, item.heads!, skipped),
            'item-positive': mimicLoss(item.mimicPositive!, user.heads!, clicked),
            'item-negative': mimicLoss(item.mimicNegative!, user.heads!, skipped),
          },
        };
      },
    };
    return o.biases ? withBiases(schema, complete) : complete;
  },
});

/** Names of the features that the generators of one side read. */
function staticFeatures(
  side: 'user' | 'item',
  features: readonly Feature[],
  given?: readonly string[],
): readonly string[] {
  const known = features.map(({ name }) => name);
  if (given !== undefined) requireKnown('hit', `${side}Static`, given, known);
  const names = given ?? known;
  if (names.length > 0) return names;
  throw new TwoTowerError(
    'MODEL_OPTIONS',
    `hit: the data has no field of the ${side} from which mimic vectors could be made`,
    'Add one to the dataset description.',
  );
}
