import { expect, test } from 'vitest';
import { MODELS } from '../../models/index.js';
import { toyDataset } from '../../testing/toy-dataset.js';
import { toyOptions } from '../../testing/toy-options.js';
import { trainingOptions } from '../config.js';
import { apart, trainAlone, trainOnRanks } from './testing/against-one.js';

const dataset = toyDataset();

test.each(MODELS.map((model) => [model.name, model] as const))('%s is trained by ranks as by one', async (_, model) => {
  const parts = model.create(dataset.schema, await toyOptions(model));
  const options = trainingOptions.parse({
    ...{ batchSize: 64, epochs: 2, learningRate: 0.02, seed: 2 },
    optimizer: { name: 'sgd', momentum: 0.5 },
  });
  const course = { parts, dataset, options, steps: 3 };
  const together = await trainOnRanks(course, 3);
  const { reports, arrays } = apart(await trainAlone(course), together);
  expect(arrays).toBeLessThan(1e-5);
  // Norms of gradients are sums of very many squares.
  expect(reports).toBeLessThan(3e-5);
  // The work is shared: nothing needs all rows at once.
  expect(together.repeated).toEqual([]);
});
