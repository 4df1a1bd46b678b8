import { beforeAll, expect, test } from 'vitest';
import type { Dataset } from '../data/dataset.js';
import { writeGeneratedLog } from '../data/generate-log.js';
import { loadDataset } from '../data/load.js';
import { loadStreamed } from '../data/stream/load.js';
import dssm from '../models/dssm/model.js';
import { folderOf } from '../testing/folder.js';
import { type BatchRecipe, BatchSource } from './batch-source.js';
import { streamFromHere, streamFromWorker } from './batch-stream.js';
import { trainingOptions } from './config.js';
import { apart, type Course, trainAlone, trainOnRanks } from './ranks/testing/against-one.js';

/** Shuffling, dropout of ids, drawn negatives and their correction take part. */
const options = trainingOptions.parse({
  batchSize: 64,
  epochs: 3,
  learningRate: 0.01,
  idDropout: 0.1,
  objectives: [{ loss: 'bce' }, { loss: 'sampled-softmax', weight: 0.1 }],
  negatives: { perBatch: 8, sampler: 'popularity' },
  seed: 3,
});

/** A log of 1,600 events in memory, in one window, and in four. */
let whole: Dataset;
let one: Dataset;
let four: Dataset;
beforeAll(async () => {
  const folder = folderOf({});
  const file = await writeGeneratedLog(folder, { events: 1600, users: 80, items: 30, days: 10 });
  whole = await loadDataset(file);
  one = await loadStreamed(file, { window: 1600, cache: folder });
  four = await loadStreamed(file, { window: 400, cache: folder });
}, 120_000);

function course(dataset: Dataset, steps: number): Course {
  const parts = dssm.create(dataset.schema, dssm.options.parse({ embedding: 4, towers: [6], width: 4 }));
  return { parts, dataset, options, steps };
}

test('training over one window is training in memory, to the bit', async () => {
  const memory = await trainAlone(course(whole, 45));
  expect(apart(memory, await trainAlone(course(one, 45)))).toEqual({ reports: 0, arrays: 0 });
  // The comparison sees the order of the batches.
  expect(apart(memory, await trainAlone(course(four, 45))).arrays).toBeGreaterThan(1e-4);
});

test('training over several windows is the same again, and the same on several ranks', async () => {
  const alone = await trainAlone(course(four, 30));
  expect(apart(alone, await trainAlone(course(four, 30)))).toEqual({ reports: 0, arrays: 0 });
  const { reports, arrays } = apart(alone, await trainOnRanks(course(four, 30), 2));
  expect(Math.max(reports, arrays)).toBeLessThan(1e-5);
});

test('every epoch has each training event of every window once', async () => {
  const source = new BatchSource(recipe(four));
  const steps = four.stream!.windows.reduce((sum, { train }) => sum + Math.ceil(train / 64), 0);
  const labels = (epoch: number) => {
    let sum = 0;
    let count = 0;
    for (let step = 0; step < steps; step++) {
      const { data } = source.prepare(epoch * steps + step).feeds['pair.label']!;
      for (const label of data) sum += Number(label);
      count += data.length;
    }
    return { sum, count };
  };
  const clicks = whole.events.feedback.get('click')!;
  const wanted = {
    sum: whole.splits.train.reduce((sum, row) => sum + clicks[row]!, 0),
    count: whole.splits.train.length,
  };
  expect([labels(0), labels(2)]).toEqual([wanted, wanted]);
});

test('a worker opens the windows that the calling thread would', async () => {
  const entry = {
    file: new URL('../testing/run.mjs', import.meta.url),
    argv: [new URL('./batch-worker.ts', import.meta.url).pathname],
  };
  const here = streamFromHere(recipe(four));
  const worker = streamFromWorker(recipe(four), 60, entry);
  try {
    for (const step of [0, 1, 9, 30, 2]) expect(await worker.take(step)).toEqual(await here.take(step));
  } finally {
    await worker.close();
  }
});

test('what is drawn for the whole log, or scored on it, is refused', async () => {
  const said = course(four, 1);
  const lists = trainingOptions.parse({ lists: {} }).lists!;
  await expect(trainAlone({ ...said, options: { ...options, lists } })).rejects.toThrow(
    /training\.lists needs the whole log in memory, and data\.stream holds one window of it/,
  );
  await expect(trainAlone({ ...said, data: { teacher: new Float32Array(1600) } })).rejects.toThrow(/training\.teacher/);
});

function recipe(dataset: Dataset): BatchRecipe {
  return {
    dataset,
    options,
    logq: true,
    lookups: [],
    bundles: new Map(),
    plan: { inputs: [{ name: 'pair.label', dtype: 'float32', shape: ['P'] }], plans: [], randoms: [] },
  };
}
