import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import {
  add,
  concat,
  greater,
  indicator,
  isTraining,
  multiply,
  normalizeLength,
  reduceMean,
  reduceSum,
  square,
  squeeze,
  stopGradient,
  subtract,
  type Tensor,
} from '../../graph/index.js';
import { dense } from '../../nn/dense.js';
import { embedField, type Field } from '../../nn/fields.js';
import { mlp } from '../../nn/mlp.js';
import { innerProduct } from '../../nn/similarity.js';
import type { Feature, IdFeature } from '../../schema.js';
import { biasesOption, withBiases } from '../biases.js';
import { defineModel, gatherState, type ModelParts } from '../contract.js';
import { concatSide, itemSide, requireKnown, requireSides, userSide } from '../sides.js';
import { categoryAlignment } from './category-alignment.js';

const options = z.strictObject({
  embedding: z.int().positive().default(32).describe('width of every embedding but the augmented ones'),
  towers: z.array(z.int().positive()).default([300, 300]).describe('hidden layers of both towers'),
  width: z
    .int()
    .positive()
    .default(32)
    .describe('width of the two vectors that are compared, and of the augmented ones that imitate them'),
  dropout: z.number().min(0).lt(1).default(0).describe('share of hidden units left out in each training step'),
  temperature: z.number().positive().default(0.1).describe('the cosine is divided by it'),
  userId: z
    .string()
    .optional()
    .describe('user feature whose ids own augmented vectors; the one with the most ids unless given'),
  itemId: z.string().optional().describe('the same of the items'),
  userMimic: z
    .number()
    .min(0)
    .default(0.5)
    .describe("λ₁: weight of the loss that draws the user's augmented vector to clicked items"),
  itemMimic: z
    .number()
    .min(0)
    .default(0.5)
    .describe("λ₂: weight of the loss that draws the item's augmented vector to users who clicked"),
  category: z
    .strictObject({
      field: z.string().describe('item feature of encoding `id` that names the category'),
      weight: z.number().positive().default(1).describe('λ₃'),
    })
    .optional()
    .describe('adds the category alignment loss'),
  history: z.boolean().default(true).describe('pools each history of the user into the user tower'),
  biases: biasesOption,
});

/** The dual augmented two-tower model (Yu et al., 2021): each id owns a vector that learns what the other side answered. */
export default defineModel<z.infer<typeof options>>({
  name: 'dat',
  title: 'Two towers, each augmented by a learned vector of the other side',
  options,
  search: {
    embedding: { values: [8, 16, 32] },
    towers: { values: [[64], [128, 64], [256, 128]] },
    dropout: { low: 0, high: 0.4 },
  },
  create(schema, o) {
    requireSides('dat', schema, o.history);
    const ids = { user: idFeature('user', schema.user, o.userId), item: idFeature('item', schema.item, o.itemId) };
    const { category } = o;
    if (category !== undefined) requireKnown('dat', 'category.field', [category.field], singleIds(schema.item));

    /** a, from a table of its own. */
    const augmented = (fields: readonly Field[], { name }: Feature) => {
      const own = fields.find(({ feature }) => feature.name === name)!;
      return embedField(own, { width: o.width, table: 'augmented/' });
    };
    /** The last hidden layer, and p of length 1. */
    const tower = (x: Tensor) => {
      const hidden = mlp('tower', x, { units: o.towers, dropout: o.dropout });
      return { hidden, vector: normalizeLength(dense('out', hidden, o.width)) };
    };

    const parts: ModelParts = {
      item(inputs) {
        const own = augmented(inputs.fields, ids.item);
        const { vector } = tower(concat([concatSide(itemSide(inputs, { width: o.embedding })), own]));
        return { vector, ...(isTraining() && { augmented: own }) };
      },
      user(inputs) {
        const own = augmented(inputs.fields, ids.user);
        const side = userSide(inputs, { width: o.embedding }, o.history);
        const { hidden, vector } = tower(concat([concatSide(side), own]));
        return {
          vector: multiply(vector, 1 / o.temperature),
          level: dense('level', hidden, 1),
          ...(isTraining() && { augmented: own }),
        };
      },
      score: (user, item) => add(innerProduct(user.vector!, item.vector!), squeeze(user.level!, -1)),
      retrieval: { user: 'vector', item: 'vector' },
    };
    /** Mean over the pairs of y·‖a − p‖², from which only a learns. */
    const mimicLoss = (own: Tensor, other: Tensor, clicked: Tensor) =>
      reduceMean(multiply(clicked, reduceSum(square(subtract(own, stopGradient(other))), -1)));
    const complete: ModelParts = {
      ...parts,
      train({ item: inputs, userState, itemState, request, itemRow, label }) {
        const user = gatherState(userState, request);
        const item = gatherState(itemState, itemRow);
        const clicked = indicator(greater(label, 0));
        const userLoss = mimicLoss(user.augmented!, item.vector!, clicked);
        const itemLoss = mimicLoss(item.augmented!, multiply(user.vector!, o.temperature), clicked);
        const losses = { 'user-mimic': multiply(userLoss, o.userMimic), 'item-mimic': multiply(itemLoss, o.itemMimic) };
        const logits = parts.score(user, item);
        if (category === undefined) return { logits, losses };
        const { feature, values } = inputs.fields.find((field) => field.feature.name === category.field)!;
        const alignment = categoryAlignment(itemState.vector!, values, (feature as IdFeature).size);
        return { logits, losses: { ...losses, 'category-alignment': multiply(alignment, category.weight) } };
      },
    };
    return o.biases ? withBiases(schema, complete) : complete;
  },
});

const singleIds = (features: readonly Feature[]) =>
  features.filter(({ encoding }) => encoding === 'id').map(({ name }) => name);

/** The feature that identifies a user or an item: the one named, or the one with the most ids. */
function idFeature(side: 'user' | 'item', features: readonly Feature[], named?: string): Feature {
  if (named !== undefined) requireKnown('dat', `${side}Id`, [named], singleIds(features));
  const candidates = features.filter(
    (feature) => feature.encoding === 'id' && (named ?? feature.name) === feature.name,
  );
  const [first] = (candidates as IdFeature[]).sort((a, b) => b.size - a.size);
  if (first !== undefined) return first;
  throw new TwoTowerError(
    'MODEL_OPTIONS',
    `dat: the data has no ${side} field of single ids to own augmented vectors`,
    'Add the id itself to the fields of the dataset description.',
  );
}
