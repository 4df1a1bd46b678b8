import { expect, it } from 'vitest';
import { fullStageSamples } from '../data/full-stage.js';
import { generateDataset } from '../data/generate.js';
import { withTeacher } from '../data/samples.js';
import { uniformSampler } from '../data/sampling.js';
import { LIST_FEEDS } from '../schema.js';
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

it('a worker prepares the same lists, stages and scores of a teacher', async () => {
  const of = (): BatchRecipe => {
    const { dataset, ...rest } = recipe();
    const counts = { impressions: 2, candidates: 2, randoms: 4 };
    const drawn = {
      ...counts,
      choose: 'rank',
      window: 600,
      seed: 1,
      sampler: uniformSampler(dataset.items.count),
    } as const;
    const samples = fullStageSamples(dataset, drawn);
    const inputs = Object.values(LIST_FEEDS).map((name) => ({ name, dtype: 'float32' as const, shape: [] }));
    return {
      ...rest,
      dataset,
      samples: withTeacher(samples, Float32Array.from(samples.item)),
      plan: { ...rest.plan, inputs: [...rest.plan.inputs, ...inputs] },
    };
  };
  const here = streamFromHere(of());
  const worker = streamFromWorker(of(), 8, entry);
  try {
    for (const step of [0, 1, 4, 3]) {
      const wanted = await here.take(step);
      expect(Object.keys(wanted.feeds)).toEqual(expect.arrayContaining(Object.values(LIST_FEEDS)));
      const requests = new Set(wanted.feeds['pair.request']!.data).size;
      expect(wanted.feeds['list.pairs']!.shape[0]).toBe(requests);
      expect(await worker.take(step)).toEqual(wanted);
    }
  } finally {
    await worker.close();
  }
});

it('a worker has the scores of a teacher for single events', async () => {
  const of = (): BatchRecipe => {
    const { plan, ...rest } = recipe();
    const inputs = ['pair.teacher', 'pair.taught'].map((name) => ({ name, dtype: 'float32' as const, shape: ['P'] }));
    const teacher = Float32Array.from(rest.dataset.events.item, (item) => (item % 2 ? item : Number.NaN));
    return { ...rest, teacher, plan: { ...plan, inputs: [...plan.inputs, ...inputs] } };
  };
  const worker = streamFromWorker(of(), 16, entry);
  try {
    const { feeds, events } = await worker.take(4);
    const { item } = of().dataset.events;
    expect([...feeds['pair.taught']!.data]).toEqual(Array.from(events, (row) => item[row]! % 2));
    expect([...feeds['pair.teacher']!.data]).toEqual(Array.from(events, (row) => (item[row]! % 2) * item[row]!));
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
