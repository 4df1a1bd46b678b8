import { z } from 'zod';
import {
  add,
  broadcastTo,
  concat,
  flatten,
  isTraining,
  matMul,
  multiply,
  normalizeLength,
  parameter,
  scalar,
  squeeze,
  type Tensor,
} from '../../graph/index.js';
import { squeezeExcitation } from '../../nn/gates.js';
import { headBank } from '../../nn/head-bank.js';
import { constantValue, zeros } from '../../nn/initializers.js';
import inBatchSoftmax from '../../nn/losses/in-batch-softmax.js';
import { mlpLayers } from '../../nn/mlp.js';
import { maxSim } from '../../nn/similarity.js';
import { biasesOption, withBiases } from '../biases.js';
import { defineModel, gatherState, type ModelParts } from '../contract.js';
import { itemSide, requireSides, type Side, stackEmbeddings, userSide } from '../sides.js';

const options = z.strictObject({
  embedding: z.int().positive().default(32).describe('width of every embedding'),
  towers: z
    .array(z.int().positive())
    .min(1)
    .default([300, 300, 128])
    .describe("hidden layers of both towers; each of the user's feeds a bank of heads"),
  normalization: z.enum(['batch', 'layer', 'none']).default('batch').describe('after each hidden layer of both towers'),
  dropout: z.number().min(0).lt(1).default(0.3).describe('share of hidden units left out in each training step'),
  heads: z
    .int()
    .positive()
    .default(4)
    .describe('H: heads in a bank. Published: 32 (MovieLens-1M), 2 (Amazon), 4 (Alibaba)'),
  width: z.int().positive().default(16).describe('d: width of a head. Published: 64, 64, 16'),
  lightSe: z.boolean().default(true).describe('re-weights the embeddings of each side before the towers'),
  banksFrom: z
    .enum(['outputs', 'inputs'])
    .default('outputs')
    .describe(
      "what a layer's bank reads: the layer's output, as in the paper's figure, or its input, as in the PyTorch release",
    ),
  banks: z
    .enum(['all', 'last'])
    .default('all')
    .describe("`last` keeps only the last bank of the user, the release's fast mode"),
  scale: z.boolean().default(true).describe('multiplies the sum of similarities by a learned number'),
  contrastive: z
    .strictObject({
      weight: z.number().positive().default(0.1).describe('λ'),
      temperature: z.number().positive().default(0.07).describe('τ'),
    })
    .optional()
    .describe('adds the contrastive regulariser CIR'),
  history: z.boolean().default(true).describe('pools each history of the user into the user tower'),
  biases: biasesOption,
});

/** IntTower (Li et al., 2022): every layer of the user tower meets the item's last one through maximum similarity of heads. */
export default defineModel<z.infer<typeof options>>({
  name: 'inttower',
  title: 'Towers that interact early, by maximum similarity of heads',
  options,
  search: { embedding: { values: [8, 16, 32] }, width: { values: [16, 32, 64] }, dropout: { low: 0, high: 0.4 } },
  create(schema, o) {
    requireSides('inttower', schema, o.history);
    const { towers, normalization, dropout } = o;
    // Normalised layers start with components of size 1: unscaled, the sums of maxima would start far from 0.
    const firstScale = normalization === 'none' ? 1 : 1 / o.width;

    /** Light-SE over the embeddings, then the numbers: [rows, in]. */
    const input = (side: Side) => {
      const numbers = side.numbers.map(({ values }) => values);
      if (side.embeddings.length === 0) return concat(numbers);
      const fields = stackEmbeddings(side);
      const weighted = o.lightSe
        ? squeezeExcitation('light-se', fields, { gate: 'softmax', residual: true, bias: false })
        : fields;
      return concat([flatten(weighted), ...numbers]);
    };
    const layers = (x: Tensor, units: readonly number[]) => mlpLayers('tower', x, { units, normalization, dropout });
    /** u_l of every layer. */
    const sources = (x: Tensor) =>
      o.banksFrom === 'outputs' ? layers(x, towers) : [x, ...layers(x, towers.slice(0, -1))];

    const parts: ModelParts = {
      item(inputs) {
        const last = layers(input(itemSide(inputs, { width: o.embedding })), towers).at(-1)!;
        const heads = headBank('heads', last, o.heads, o.width);
        return {
          // On this side, because it has fewer heads than the user.
          heads: o.scale ? multiply(heads, parameter('scale', [1], constantValue(firstScale))) : heads,
          ...(isTraining() && o.contrastive && { last: flatten(heads) }),
        };
      },
      user(inputs) {
        const x = input(userSide(inputs, { width: o.embedding }, o.history));
        const banks = sources(x).map((u, l) => ({ u, name: `heads${l + 1}` }));
        const used = o.banks === 'last' ? banks.slice(-1) : banks;
        const heads = used.map(({ u, name }) => headBank(name, u, o.heads, o.width));
        return {
          // The maximum is taken for each user head alone, so that the banks may stand one above the other.
          heads: concat(heads, 1),
          level: broadcastTo(parameter('level', [1, 1], zeros, { decay: false }), [x.shape[0]!, 1], x),
          ...(isTraining() && o.contrastive && { last: flatten(heads.at(-1)!) }),
        };
      },
      score: (user, item) => add(maxSim(user.heads!, item.heads!), squeeze(user.level!, -1)),
    };
    const { contrastive } = o;
    const complete = (own: ModelParts) => (o.biases ? withBiases(schema, own) : own);
    if (contrastive === undefined) return complete(parts);
    return complete({
      ...parts,
      train({ userState, itemState, request, itemRow, label }) {
        const logits = parts.score(gatherState(userState, request), gatherState(itemState, itemRow));
        const similarity = matMul(normalizeLength(userState.last!), normalizeLength(itemState.last!), {
          transposeB: true,
        });
        const weight = broadcastTo(scalar(1), label.shape, label);
        const cir = inBatchSoftmax.build(
          { logits, label, weight, request, itemRow, similarity },
          { temperature: contrastive.temperature, correction: false, maskPositives: false },
        );
        return { logits, losses: { cir: multiply(cir, contrastive.weight) } };
      },
    });
  },
});
