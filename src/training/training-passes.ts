import type { Dataset } from '../data/dataset.js';
import { type Passes, passesOver } from '../data/passes.js';
import { listCount, type SampleTable } from '../data/samples.js';
import type { TrainingOptions } from './config.js';

/** The way over what is trained on, epoch after epoch. */
export function trainingPasses(
  { stream, splits }: Dataset,
  samples: SampleTable | undefined,
  { batchSize, seed }: TrainingOptions,
): Passes {
  const whole = samples === undefined ? splits.train.length : listCount(samples);
  return passesOver(stream?.windows.map(({ train }) => train) ?? [whole], batchSize, seed);
}
