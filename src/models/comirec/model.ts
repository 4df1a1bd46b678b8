import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import {
  add,
  argMax,
  cast,
  constant,
  equal,
  expandDims,
  gather,
  greater,
  indicator,
  matMul,
  multiply,
  parameter,
  putBack,
  reduceMax,
  reduceMean,
  repeatUsed,
  softmax,
  squeeze,
  type Tensor,
  tanh,
  transpose,
  where,
} from '../../graph/index.js';
import { dense } from '../../nn/dense.js';
import { onlyUsed } from '../../nn/events.js';
import { sumFields } from '../../nn/field-sum.js';
import { EMBEDDING_INITIALIZER } from '../../nn/fields.js';
import { maskedSoftmax } from '../../nn/masked-softmax.js';
import { weightedSum } from '../../nn/pooling.js';
import { innerProduct } from '../../nn/similarity.js';
import { defineModel } from '../contract.js';

const options = z.strictObject({
  embedding: z.int().positive().default(64).describe('d: width of items, past items and interests'),
  interests: z.int().positive().default(4).describe('K: how many vectors stand for a user'),
  history: z.string().optional().describe("which of the data's histories; the first unless given"),
  labelAwarePower: z
    .int()
    .positive()
    .optional()
    .describe(
      'in training, reads the interests out with weights softmax(⟨interest, target⟩^p), as MIND does, instead of taking the nearest one alone',
    ),
});

type Options = z.infer<typeof options>;

/** Self-attentive multi-interest retrieval (ComiRec-SA: Cen et al., 2020). */
export default defineModel<Options>({
  name: 'comirec',
  title: 'Several interests per user by self-attention',
  options,
  search: { embedding: { values: [32, 64, 96] }, interests: { values: [2, 4, 8] } },
  create(schema, { embedding: d, interests: count, history, labelAwarePower }) {
    const at = history === undefined ? 0 : schema.histories.findIndex(({ name }) => name === history);
    const past = schema.histories[at];
    if (past === undefined) throw refused(`the data has no history ${history ?? ''}`.trimEnd());
    if (past.features.length === 0) throw refused(`history ${past.name} has no features`);
    if (schema.item.length === 0) throw refused('the data has no item field');

    return {
      item: ({ fields }) => ({ vector: sumFields(fields, { width: d }) }),
      user({ histories }) {
        const { mask, length, maxLength } = histories[at]!;
        const { events: present, fields } = onlyUsed(histories[at]!);
        const own = sumFields(fields, { width: d });
        const position = parameter('position', [maxLength, d], EMBEDDING_INITIALIZER);
        const placed = add(own, repeatUsed(position, present, 'position'));
        const weighed = dense('w2', tanh(dense('w1', placed, 4 * d, { bias: false })), count, { bias: false });
        const [events, scores] = [own, weighed].map((x) => putBack(x, present)) as [Tensor, Tensor];
        const attention = maskedSoftmax(transpose(scores, [0, 2, 1]), expandDims(mask, -2));
        const known = expandDims(expandDims(greater(cast(length, 'float32'), 0), -1), -1);
        const newcomer = parameter('newcomer', [1, 1, d], EMBEDDING_INITIALIZER);
        return { interests: where(known, matMul(attention, events), newcomer) };
      },
      score: (user, item) => reduceMax(products(user.interests!, item.vector!), -1),
      train({ userState, itemState, request, itemRow }) {
        const interests = gather(userState.interests!, request);
        const target = gather(itemState.vector!, itemRow);
        const near = products(interests, target);
        const weights = labelAwarePower === undefined ? nearest(near, count) : softmax(power(near, labelAwarePower));
        const read = weightedSum(weights, interests);
        return {
          logits: innerProduct(read, target),
          similarity: matMul(read, itemState.vector!, { transposeB: true }),
          metrics: { largestInterest: reduceMax(reduceMean(weights, 0), 0) },
        };
      },
      retrieval: { user: 'interests', item: 'vector' },
    };
  },
});

/** Every interest with the item: [1, K, d] or [N, K, d] and [N, d] → [N, K]. */
function products(interests: Tensor, item: Tensor): Tensor {
  if (interests.shape[0] === 1) return matMul(item, squeeze(interests, 0), { transposeB: true });
  return squeeze(matMul(interests, expandDims(item, -1)), -1);
}

/** 1 at the largest of each row, the first among equals: [P, K]. */
function nearest(x: Tensor, count: number): Tensor {
  const numbers = constant(
    Array.from({ length: count }, (_, k) => k),
    [count],
    'int32',
  );
  return indicator(equal(expandDims(argMax(x), -1), numbers));
}

function power(x: Tensor, exponent: number): Tensor {
  return exponent === 1 ? x : multiply(x, power(x, exponent - 1));
}

function refused(why: string): TwoTowerError {
  return new TwoTowerError(
    'MODEL_OPTIONS',
    `comirec: ${why}`,
    'ComiRec reads interests from one history of item fields.',
  );
}
