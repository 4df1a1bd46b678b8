import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import {
  add,
  exp,
  expandDims,
  gather,
  greater,
  indicator,
  isTraining,
  log,
  matMul,
  multiply,
  negate,
  parameter,
  reduceMean,
  reduceSum,
  relu,
  reshape,
  shared,
  square,
  squeeze,
  standardize,
  stopGradient,
  subtract,
  type Tensor,
} from '../../graph/index.js';
import { ACTIVATIONS, activate } from '../../nn/activations.js';
import { dense } from '../../nn/dense.js';
import { constantValue, zeros } from '../../nn/initializers.js';
import { mlp } from '../../nn/mlp.js';
import { innerProduct } from '../../nn/similarity.js';
import { defineModel, type State } from '../contract.js';
import { concatSide, itemSide, requireSides, userSide } from '../sides.js';
import { Quantizer } from './quantizer.js';

/** Every item keeps a number for each code. */
const MOST_CODES = 65536;

const options = z.strictObject({
  embedding: z.int().positive().default(16).describe('width of every embedding'),
  towers: z.array(z.int().positive()).default([128]).describe('hidden layers of the tokeniser'),
  tokens: z.int().positive().default(4).describe('K_u, tokens of a request'),
  width: z.int().positive().default(16).describe('D, the width of a token'),
  parts: z.int().positive().default(2).describe('M, the parts that a token is cut into'),
  codewords: z.int().min(2).default(16).describe('N, codewords in the codebook of each part'),
  scorer: z.array(z.int().positive()).min(1).default([64, 32]).describe('hidden layers of the scorer E'),
  activation: z.enum(ACTIVATIONS).default('relu').describe('of tokeniser and scorer'),
  threshold: z
    .number()
    .default(1)
    .describe('first value of b, which is learned: the lower, the fewer items a code lists'),
  quantization: z.number().min(0).default(1).describe('weight of the quantisation loss'),
  commitment: z
    .number()
    .min(0)
    .default(0.25)
    .describe('β, how much tokens are drawn to their codewords beside the codewords to the tokens'),
});

type Options = z.infer<typeof options>;

/** SparCode (Su et al., 2023): requests become a few codes, and every item is scored with every code in advance. */
export default defineModel<Options>({
  name: 'sparcode',
  title: 'Sparse codes that every item is scored with in advance',
  options,
  search: { embedding: { values: [8, 16, 32] }, width: { values: [8, 16, 32] } },
  create(schema, { embedding, towers, tokens, width, parts, codewords, scorer, activation, ...training }) {
    requireSides('sparcode', schema);
    const quantizer = new Quantizer(width, parts, codewords);
    checkSizes(quantizer);
    const [first, ...deeper] = scorer as [number, ...number[]];

    /** W_t·t̂, the token's part of the scorer's first layer. */
    const tokenPart = (quantized: Tensor) => shared('scorer', () => dense('token', quantized, first, { bias: false }));

    /** ReLU(E(t̂, item) + b): [..., first] and [..., first], which broadcast → [...]. */
    const postings = (ofToken: Tensor, ofItem: Tensor) =>
      shared('scorer', () => {
        const h = mlp('hidden', activate(add(ofItem, ofToken), activation), { units: deeper, activation });
        const affinity = squeeze(dense('out', h, 1, { bias: false }), -1);
        return relu(add(affinity, parameter('threshold', [1], constantValue(training.threshold))));
      });

    return {
      item(inputs) {
        const ofItem = dense('item', concatSide(itemSide(inputs, { width: embedding })), first);
        const state: State = { postings: postings(tokenPart(quantizer.everyCode()), expandDims(ofItem, 1)) };
        return isTraining() ? { ...state, ofItem } : state;
      },
      user(inputs): State {
        const x = concatSide(userSide(inputs, { width: embedding }));
        const h = mlp('tower', x, { units: towers, activation });
        const flat = dense('tokens', h, tokens * width);
        const vectors = standardize(reshape(flat, [flat.shape[0]!, tokens, width]));
        // The first logits are near 0, so that nothing drives all affinities below it at once.
        const firstLevel = constantValue(-tokens * training.threshold);
        const level = add(
          dense('level', h, 1, { bias: false, initialize: zeros }),
          parameter('level', [1], firstLevel),
        );
        const { code, quantized } = quantizer.quantize(vectors);
        if (!isTraining()) return { codes: quantizer.counts(code), level };
        return { codes: quantizer.softenedCounts(vectors, code), level, vectors, quantized };
      },
      score(user, item) {
        const isOne = user.codes!.shape[0] === 1;
        const found = isOne
          ? matMul(item.postings!, user.codes!, { transposeB: true })
          : expandDims(innerProduct(user.codes!, item.postings!), -1);
        return squeeze(add(found, user.level!), -1);
      },
      train({ userState, itemState, request, itemRow }) {
        const { vectors, quantized, codes, level } = userState;
        // The gradient of a codeword goes to the token that it stands for.
        const straight = add(vectors!, stopGradient(subtract(quantized!, vectors!)));
        const ofTokens = gather(tokenPart(straight), request);
        const found = postings(ofTokens, expandDims(gather(itemState.ofItem!, itemRow), 1));
        const apart = (a: Tensor, b: Tensor) => reduceMean(square(subtract(a, b)));
        const pulled = add(
          apart(quantized!, stopGradient(vectors!)),
          multiply(apart(vectors!, stopGradient(quantized!)), training.commitment),
        );
        const use = multiply(reduceMean(codes!, 0), 1 / tokens);
        const entropy = negate(reduceSum(multiply(use, log(add(use, 1e-12)))));
        return {
          logits: add(reduceSum(found, -1), squeeze(gather(level!, request), -1)),
          losses: { quantization: multiply(pulled, training.quantization) },
          metrics: { density: reduceMean(indicator(greater(found, 0))), codesInUse: exp(entropy) },
        };
      },
      retrieval: { user: 'codes', item: 'postings' },
    };
  },
});

function checkSizes({ width, parts, codes }: Quantizer): void {
  const wrong = (message: string) => new TwoTowerError('MODEL_OPTIONS', `sparcode: ${message}`);
  if (width % parts !== 0) throw wrong(`a width of ${width} does not divide into ${parts} parts`);
  if (codes > MOST_CODES)
    throw wrong(`codewords and parts make ${codes} codes; at most ${MOST_CODES} are kept per item`);
}
