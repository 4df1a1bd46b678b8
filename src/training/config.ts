import { z } from 'zod';
import { objectiveOptions } from './objectives.js';
import { optimizerOptions } from './optimizers.js';
import { scheduleOptions } from './schedule.js';

const groupOptions = z.strictObject({
  /** Parameter path; `*` stands for any text: `tables/*`, `user/*`. The first group that matches counts. */
  match: z.string(),
  weightDecay: z.number().min(0).optional(),
  /** Factor on the learning rate. */
  rate: z.number().min(0).optional(),
});

const negativesOptions = z.strictObject({
  /** Items drawn for every batch, against which all its requests are scored. */
  perBatch: z.int().positive(),
  sampler: z.enum(['uniform', 'popularity']).default('uniform'),
  /** Exponent on an item's count of training events, for `popularity`. */
  power: z.number().min(0).max(1).default(0.75),
});

const validationOptions = z.strictObject({
  /** The metric that decides which checkpoint is best and when to stop; one of those `evaluate` prints. */
  metric: z.string().default('auc'),
  /** Validations without improvement before training stops. */
  patience: z.int().positive().default(2),
  /** Validations per epoch. */
  perEpoch: z.int().positive().default(1),
});

/** The section `training` of a run's configuration. */
export const trainingOptions = z.strictObject({
  epochs: z.int().positive().default(10),
  /** Pairs per step. */
  batchSize: z.int().positive().default(1024),
  learningRate: z.number().positive().default(1e-3),
  optimizer: optimizerOptions.prefault({ name: 'adam' }),
  schedule: scheduleOptions.prefault({}),
  /** Largest norm of all gradients together. */
  clip: z.number().positive().optional(),
  /** Pulls weights towards zero; vectors (biases, scales) are left alone. */
  weightDecay: z.number().min(0).default(0),
  groups: z.array(groupOptions).default([]),
  objectives: z
    .array(objectiveOptions)
    .min(1)
    .default([{ loss: 'bce', weight: 1 }]),
  /** Share of ids replaced by the unknown id, so that its embedding is trained. */
  idDropout: z.number().min(0).lt(1).default(0.01),
  /** One item row for each pair, as batch normalisation over samples needs, instead of one for each distinct item. */
  itemPerPair: z.boolean().default(false),
  negatives: negativesOptions.optional(),
  validation: validationOptions.prefault({}),
  /** Steps between checkpoints besides those at each validation. */
  checkpointEvery: z.int().positive().optional(),
  seed: z.int().min(0).default(1),
});
export type TrainingOptions = z.infer<typeof trainingOptions>;

/** Whether `pattern`, in which `*` stands for any text, covers the whole of `path`. */
export function matches(pattern: string, path: string): boolean {
  const escaped = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`).test(path);
}
