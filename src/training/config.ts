import { z } from 'zod';
import { itemSamplerOptions } from './item-sampler.js';
import { listOptions } from './lists.js';
import { objectiveOptions } from './objectives.js';
import { optimizerOptions } from './optimizers.js';
import { scheduleOptions } from './schedule.js';

const groupOptions = z.strictObject({
  match: z
    .string()
    .describe('parameter name in which * stands for any text: tables/*, user/*; the first group that matches counts'),
  weightDecay: z.number().min(0).optional().describe('instead of training.weightDecay'),
  rate: z.number().min(0).optional().describe('factor on the learning rate; 0 freezes'),
});

const negativesOptions = z.strictObject({
  perBatch: z.int().positive().describe('items drawn for every batch, against which all its requests are scored'),
  ...itemSamplerOptions,
});

const teacherOptions = z.union(
  [
    z.strictObject({
      run: z.string().min(1).describe('run folder whose model scores what is trained on'),
      vectors: z
        .strictObject({
          item: z.string().optional().describe('state of the item part; twotower inspect shows the names'),
          user: z.string().optional().describe('state of the user part'),
        })
        .optional()
        .describe("states of the teacher's model that distill-vectors learns from"),
    }),
    z.strictObject({ column: z.string().min(1).describe('score column of the dataset') }),
  ],
  { error: 'write { run: FOLDER } or { column: NAME }' },
);

const validationOptions = z.strictObject({
  metric: z
    .string()
    .default('auc')
    .describe('decides which checkpoint is best and when to stop; one of those that twotower evaluate prints'),
  patience: z.int().positive().default(2).describe('validations without improvement before training stops'),
  perEpoch: z.int().positive().default(1).describe('validations per epoch'),
});

/** The section `training` of a run's configuration. */
export const trainingOptions = z.strictObject({
  epochs: z.int().positive().default(10).describe('passes over the training part at most; validation may stop earlier'),
  batchSize: z.int().positive().default(1024).describe('pairs per step; with lists, lists per step'),
  learningRate: z.number().positive().default(1e-3).describe('step size of the optimizer, before the schedule'),
  optimizer: optimizerOptions.prefault({ name: 'adam' }).describe('for dense weights and touched embedding rows alike'),
  schedule: scheduleOptions.prefault({}).describe('how the learning rate changes from step to step'),
  clip: z.number().positive().optional().describe('largest norm of all gradients together; off unless given'),
  weightDecay: z
    .number()
    .min(0)
    .default(0)
    .describe('pulls matrices and embeddings towards zero; vectors (biases, scales) are left alone'),
  groups: z.array(groupOptions).default([]).describe('other rules for some parameters'),
  objectives: z
    .array(objectiveOptions)
    .min(1)
    .default([{ loss: 'bce', weight: 1 }]),
  uncertainty: z
    .boolean()
    .default(false)
    .describe('objectives weigh themselves by learned uncertainties; distillation keeps the weight it is given'),
  teacher: teacherOptions.optional().describe('whose scores the distilling losses learn from; none unless given'),
  lists: listOptions
    .optional()
    .describe('trains on lists, one a request, instead of on single events; see docs/configuration.md'),
  idDropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0.01)
    .describe('share of ids replaced by the unknown id, so that its embedding is trained'),
  itemPerPair: z
    .boolean()
    .default(false)
    .describe('one item row per pair, as batch normalisation over samples needs, instead of one per distinct item'),
  negatives: negativesOptions.optional().describe('items drawn for every batch; none unless given'),
  validation: validationOptions.prefault({}).describe('when to stop, and which checkpoint is best'),
  checkpointEvery: z.int().positive().optional().describe('steps between checkpoints besides those at each validation'),
  seed: z.int().min(0).default(1).describe('of everything random'),
});
export type TrainingOptions = z.infer<typeof trainingOptions>;

/** Whether `pattern`, in which `*` stands for any text, covers the whole of `path`. */
export function matches(pattern: string, path: string): boolean {
  const escaped = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`).test(path);
}
