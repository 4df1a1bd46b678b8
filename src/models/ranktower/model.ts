import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import {
  add,
  inScope,
  isTraining,
  multiply,
  reshape,
  squeeze,
  stopGradient,
  type Tensor,
  width as widthOf,
} from '../../graph/index.js';
import { dense } from '../../nn/dense.js';
import { sigmoidGate } from '../../nn/gates.js';
import { mlp } from '../../nn/mlp.js';
import { maxSim } from '../../nn/similarity.js';
import { biasesOption, withBiases } from '../biases.js';
import { defineModel, type ModelParts, type State } from '../contract.js';
import { concatSide, itemSide, requireSides, userSide } from '../sides.js';
import { type Attended, type Attending, attended, attending, crossAttend, foldedIn } from './cross-attention.js';

const options = z.strictObject({
  embedding: z.int().positive().default(16).describe('width of every embedding'),
  trunk: z.array(z.int().positive()).default([256, 128]).describe('hidden layers of both sides before the heads'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0.1)
    .describe("share of the trunk's hidden units left out in each training step"),
  heads: z.int().positive().default(4).describe('K: representations of the user, and of the item'),
  width: z.int().positive().default(32).describe('d: width of one of them'),
  gate: z.boolean().default(true).describe('whether the heads are multiplied by the instance-aware gate γ'),
  gateReduction: z
    .int()
    .positive()
    .default(16)
    .describe('the hidden layer of that gate is this many times narrower than its input'),
  crossAttention: z
    .enum(['both', 'user', 'item', 'none'])
    .default('both')
    .describe("who attends to the other side's heads; `none` leaves the plain maximum similarity of the heads"),
  attentionHeads: z
    .int()
    .positive()
    .default(1)
    .describe('nₐ: attention heads inside the cross-attention; they divide the width'),
  attentionGate: z.boolean().default(true).describe('whether the gate G multiplies what was attended to'),
  temperature: z.number().positive().default(0.1).describe('T₀: the mean of the maximum similarities is divided by it'),
  history: z.boolean().default(true).describe('pools each history of the user into the user side'),
  biases: biasesOption,
});

/** In the manner of RankTower (Yan and Li, 2024): heads on either side, and a gated cross-attention between them. */
export default defineModel<z.infer<typeof options>>({
  name: 'ranktower',
  title: 'Multi-head towers with gated cross-attention',
  options,
  search: { embedding: { values: [8, 16, 32] }, heads: { values: [2, 4, 8] }, width: { values: [16, 32, 64] } },
  create(schema, o) {
    requireSides('ranktower', schema, o.history);
    if (o.width % o.attentionHeads !== 0) {
      throw new TwoTowerError(
        'MODEL_OPTIONS',
        `ranktower: a width of ${o.width} does not divide into ${o.attentionHeads} attention heads`,
        'Choose a width that is a multiple of attentionHeads.',
      );
    }
    const userAttends = o.crossAttention === 'both' || o.crossAttention === 'user';
    const itemAttends = o.crossAttention === 'both' || o.crossAttention === 'item';

    /** The multi-head gated network: x [rows, m] → E [rows, K, d], and the last hidden layer. */
    const gatedHeads = (x: Tensor) => {
      const hidden = mlp('trunk', x, { units: o.trunk, dropout: o.dropout });
      const features = dense('heads', hidden, o.heads * o.width);
      const gateOptions = { hidden: Math.ceil(widthOf(x) / o.gateReduction), scale: 2 };
      // The gate reads the input but does not train the embeddings.
      const gated = o.gate
        ? multiply(features, sigmoidGate('gate', stopGradient(x), o.heads * o.width, gateOptions))
        : features;
      return { hidden, heads: reshape(gated, [x.shape[0]!, o.heads, o.width]) };
    };
    /** Everything of one side that does not depend on the other. */
    const prepare = (heads: Tensor, attends: boolean, isAttended: boolean): State =>
      inScope('attention', () => ({
        heads,
        ...(attends && attending(heads, o)),
        ...(isAttended && attended(heads, o)),
      }));
    /**
     * One attention head's projections of the item are folded into the user's when serving; several would make a candidate's
     * products longer, and training reads as many users as items.
     */
    const isFolded = () => o.attentionHeads === 1 && !isTraining();
    const attend = (side: string, own: State, other: State) =>
      inScope(side, () => crossAttend(own.heads!, own as unknown as Attending, other as unknown as Attended));

    const parts: ModelParts = {
      item(inputs) {
        const { heads } = gatedHeads(concatSide(itemSide(inputs, { width: o.embedding })));
        const { query, key, ...kept } = prepare(heads, itemAttends, userAttends);
        return { ...kept, ...(!isFolded() && { ...(query && { query }), ...(key && { key }) }) };
      },
      user(inputs) {
        const { heads, hidden } = gatedHeads(concatSide(userSide(inputs, { width: o.embedding }, o.history)));
        const own = prepare(heads, userAttends, itemAttends);
        return { ...own, ...(isFolded() && foldedIn(own)), level: dense('level', hidden, 1) };
      },
      score(user, { ...item }) {
        // Where its projections are folded into the user's, the item's heads stand for what they would make of them.
        item.query ??= item.heads!;
        item.key ??= item.heads!;
        const userAttentive = userAttends ? attend('user', user, item) : user.heads!;
        const itemAttentive = itemAttends ? attend('item', item, user) : item.heads!;
        const similarity = maxSim(userAttentive, itemAttentive, { cosine: true });
        return add(multiply(similarity, 1 / (o.heads * o.temperature)), squeeze(user.level!, -1));
      },
    };
    return o.biases ? withBiases(schema, parts) : parts;
  },
});
