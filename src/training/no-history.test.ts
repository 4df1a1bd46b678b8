import { expect, test } from 'vitest';
import { MODELS } from '../models/index.js';
import { toyDataset } from '../testing/toy-dataset.js';
import { toyOptions } from '../testing/toy-options.js';
import { trainingOptions } from './config.js';
import { Trainer } from './trainer.js';

/** Nobody has clicked anything before: all lists of past events are empty. */
function withoutPast() {
  const dataset = toyDataset();
  const histories = dataset.histories.map((past) => ({
    ...past,
    offsets: new Uint32Array(past.offsets.length),
  }));
  return { ...dataset, histories };
}

test.each(MODELS.map((model) => [model.name, model] as const))(
  '%s trains on users without a past',
  async (_, model) => {
    const dataset = withoutPast();
    const parts = model.create(dataset.schema, await toyOptions(model));
    const trainer = await Trainer.create(parts, dataset, trainingOptions.parse({ batchSize: 32 }), { threads: 1 });
    // A loss that is not finite would be an error.
    expect((await trainer.next()).gradientNorm).toBeGreaterThan(0);
    await trainer.release();
  },
);
