import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import { ACTIVATIONS } from '../../nn/activations.js';

export const options = z.strictObject({
  embedding: z.int().positive().default(16).describe('width of every embedding'),
  towers: z
    .array(z.int().positive())
    .default([128, 64])
    .describe("hidden layers of the item tower and of the request's fields"),
  states: z.int().positive().default(64).describe('hidden units of the encoder of behaviours'),
  width: z.int().positive().default(32).describe('d, the width of e_q and e_i'),
  residual: z
    .array(z.int().positive())
    .min(1)
    .default([64, 16])
    .describe('layers of the residual extractors; the last is d_r'),
  activation: z.enum(ACTIVATIONS).default('relu').describe('of towers, states and residuals'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('share of hidden units of towers, residuals and transformer left out in each training step'),
  normalize: z.boolean().default(false).describe('scales e_q and e_i to length 1'),
  retrievalTemperature: z
    .number()
    .positive()
    .default(1)
    .describe('τ_r: scores start as inner products divided by it; its inverse is learned'),
  biases: z
    .boolean()
    .default(true)
    .describe('adds one learned number per request and one per item to the score, read off their fields'),
  transformer: z
    .strictObject({
      width: z.int().positive().default(32).describe('d_m'),
      layers: z.int().positive().default(2).describe('layers of the transformer'),
      heads: z.int().positive().default(4).describe('attention heads; they divide the width'),
    })
    .prefault({})
    .describe('the listwise transformer'),
  lists: z
    .strictObject({
      size: z.int().min(2).default(12).describe('n: candidates of a training list'),
      hard: z.int().min(0).default(4).describe('how many of them are the best of the pool by the present scores'),
      pool: z.int().positive().default(32).describe('random items of the batch from which the hard ones are chosen'),
    })
    .prefault({})
    .describe('the training lists: n candidates, of which `hard` are the best of `pool` random ones'),
  weights: z
    .strictObject({
      retrieval: z.number().min(0).default(1).describe('λ₁, of the in-batch softmax of the towers'),
      ranking: z.number().min(0).default(1).describe('λ₂, of the listwise loss of the transformer'),
      distillation: z.number().min(0).default(1).describe('λ₃, of the distillation in both directions'),
    })
    .prefault({})
    .describe('λ₁, λ₂ and λ₃'),
  temperature: z.number().positive().default(2).describe('τ of both distillations'),
  eta: z
    .number()
    .min(0)
    .default(0.25)
    .describe(
      'η, how much the distillation from the towers into the transformer counts beside the one into the towers',
    ),
  warmup: z.number().min(0).default(0.3).describe('epochs over which λ₃ grows from 0'),
  uncertainty: z
    .boolean()
    .default(false)
    .describe('whether retrieval and ranking weigh themselves by learned uncertainties'),
  separate: z.boolean().default(false).describe("keeps the transformer's gradients out of towers and embeddings"),
});

export type Options = z.infer<typeof options>;

/** @throws MODEL_OPTIONS where the sizes do not fit each other */
export function checkSizes({ lists, transformer }: Options): void {
  const wrong = (message: string) => new TwoTowerError('MODEL_OPTIONS', `lt-ttd: ${message}`);
  if (lists.hard >= lists.size) throw wrong(`lists: ${lists.hard} hard candidates leave no room among ${lists.size}`);
  if (lists.hard > lists.pool) throw wrong(`lists: a pool of ${lists.pool} cannot give ${lists.hard} candidates`);
  if (transformer.width % transformer.heads !== 0) {
    throw wrong(`transformer: a width of ${transformer.width} does not divide into ${transformer.heads} heads`);
  }
}
