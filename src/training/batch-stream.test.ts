import { expect, it } from 'vitest';
import { generateDataset } from '../data/generate.js';
import { type BatchRecipe, BatchSource } from './batch-source.js';
import { streamFromHere, streamFromWorker } from './batch-stream.js';
import { trainingOptions } from './config.js';

/** Runs the worker's TypeScript source, as `dist` runs the compiled file. */
const entry = {
  file: new URL('../testing/run.mjs', import.meta.url),
  argv: [new URL('./batch-worker.ts', import.meta.url).pathname],
};

function recipe(): BatchRecipe {
  const ids = { table: 'tables/items', bundle: 'rows', ids: 'item.item_id', positions: 'tables/items@item.item_id' };
  return {
    dataset: generateDataset({ events: 600 }),
    options: trainingOptions.parse({ batchSize: 64, epochs: 2, idDropout: 0.1, negatives: { perBatch: 8 } }),
    logq: true,
    lookups: [ids],
    bundles: new Map([['rows', { rows: 101, offsets: new Map([['tables/items', 0]]) }]]),
    plan: {
      inputs: [{ name: 'pair.label', dtype: 'float32', shape: ['P'] }],
      plans: [],
      randoms: [{ name: 'noise', shape: ['P', 3], distribution: { kind: 'normal' } }],
    },
  };
}

it('a worker prepares what the calling thread would, also when steps are skipped or taken again', async () => {
  const here = streamFromHere(recipe());
  const worker = streamFromWorker(recipe(), 16, entry);
  try {
    for (const step of [0, 1, 2, 7, 8, 1, 15]) {
      const wanted = await here.take(step);
      const found = await worker.take(step);
      expect(Object.keys(found.feeds).sort()).toEqual(Object.keys(wanted.feeds).sort());
      expect(found).toEqual(wanted);
    }
    expect((await worker.take(3)).feeds.noise!.shape).toEqual([64, 3]);
  } finally {
    await worker.close();
  }
});

it('a batch has memory of its own', () => {
  const source = new BatchSource(recipe());
  const first = source.prepare(0);
  const label = first.feeds['pair.label']!.data.slice();
  source.prepare(1);
  source.prepare(2);
  expect(first.feeds['pair.label']!.data).toEqual(label);
});

it('what fails in the worker fails here, with its code', async () => {
  const broken = {
    ...recipe(),
    lookups: [{ table: 'tables/items', bundle: 'rows', ids: 'item.nothing', positions: 'x' }],
  };
  const worker = streamFromWorker(broken, 16, entry);
  try {
    await expect(worker.take(0)).rejects.toThrow(/undefined/);
  } finally {
    await worker.close();
  }
});
