import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import { ACTIVATIONS } from '../../nn/activations.js';

export const options = z.strictObject({
  /** Width of every embedding. */
  embedding: z.int().positive().default(16),
  /** Hidden layers of the item tower and of the request's fields. */
  towers: z.array(z.int().positive()).default([128, 64]),
  /** Hidden units of the encoder of behaviours. */
  states: z.int().positive().default(64),
  /** d, the width of e_q and e_i. */
  width: z.int().positive().default(32),
  /** Layers of the residual extractors; the last is d_r. */
  residual: z.array(z.int().positive()).min(1).default([64, 16]),
  activation: z.enum(ACTIVATIONS).default('relu'),
  dropout: z.number().min(0).lt(1).default(0),
  /** Scales e_q and e_i to length 1. */
  normalize: z.boolean().default(false),
  /** τ_r: scores start as inner products divided by it; its inverse is learned. */
  retrievalTemperature: z.number().positive().default(1),
  /** Adds one learned number per request and one per item to the score, read off their fields. */
  biases: z.boolean().default(true),
  /** The listwise transformer. */
  transformer: z
    .strictObject({
      /** d_m. */
      width: z.int().positive().default(32),
      layers: z.int().positive().default(2),
      heads: z.int().positive().default(4),
    })
    .prefault({}),
  /** The training lists: n candidates, of which `hard` are the best of `pool` random ones. */
  lists: z
    .strictObject({
      size: z.int().min(2).default(12),
      hard: z.int().min(0).default(4),
      pool: z.int().positive().default(32),
    })
    .prefault({}),
  /** λ₁, λ₂ and λ₃. */
  weights: z
    .strictObject({
      retrieval: z.number().min(0).default(1),
      ranking: z.number().min(0).default(1),
      distillation: z.number().min(0).default(1),
    })
    .prefault({}),
  /** τ of both distillations. */
  temperature: z.number().positive().default(2),
  /** η, how much the distillation from the towers into the transformer counts beside the one into the towers. */
  eta: z.number().min(0).default(0.25),
  /** Epochs over which λ₃ grows from 0. */
  warmup: z.number().min(0).default(0.3),
  /** Whether retrieval and ranking weigh themselves by learned uncertainties. */
  uncertainty: z.boolean().default(false),
  /** Keeps the transformer's gradients out of towers and embeddings. */
  separate: z.boolean().default(false),
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
