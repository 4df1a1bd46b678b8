import { describe, expect, test } from 'vitest';
import { assembleBatch } from '../data/batches.js';
import { epochBatches } from '../data/epochs.js';
import { generateDataset } from '../data/generate.js';
import { trainingOptions } from './config.js';
import { optimizerOptions } from './optimizers.js';
import { linearModel } from './testing/linear-model.js';
import { type PlainGroup, PlainLinear } from './testing/plain-linear.js';
import { plainOptimizer } from './testing/plain-optimizers.js';
import { Trainer } from './trainer.js';

/** So few users and items that every batch repeats them, some of them never appear, and histories repeat within a batch. */
const dataset = generateDataset({ users: 7, items: 30, events: 60, eventsPerRequest: 3, historyLength: 4 });
const BATCH = 13;
const STEPS = 3;

interface Case {
  title: string;
  training: object;
  /** What the plain twin does with a parameter at a step (from 1). */
  groupOf?(parameter: string, step: number): PlainGroup;
}

const plainGroup = () => ({ rate: 0.05, decay: 0 });
const CASES: Case[] = [
  { title: 'sgd', training: { optimizer: { name: 'sgd' } } },
  { title: 'sgd with momentum, clipped', training: { optimizer: { name: 'sgd', momentum: 0.9 }, clip: 0.02 } },
  { title: 'adam', training: { optimizer: { name: 'adam' } } },
  { title: 'adagrad, clipped far out of reach', training: { optimizer: { name: 'adagrad' }, clip: 1e6 } },
  {
    title: 'adamw with decay: matrices and tables shrink, vectors are spared',
    training: { optimizer: { name: 'adamw' }, weightDecay: 0.3 },
    groupOf: (name) => ({ rate: 0.05, decay: name.endsWith('/bias') ? 0 : 0.3 }),
  },
  {
    title: 'adam with decay, rates by group (the first match counts) and warm-up',
    training: {
      optimizer: { name: 'adam' },
      weightDecay: 0.1,
      schedule: { warmup: 4 },
      groups: [
        { match: 'tables/item.*', rate: 0.5, weightDecay: 0 },
        { match: 'user/*', rate: 2 },
        { match: '*', weightDecay: 0.7 },
      ],
    },
    groupOf(name, step) {
      const [rate, decay] = name.startsWith('tables/item.') ? [0.5, 0] : name.startsWith('user/') ? [2, 0.1] : [1, 0.7];
      return { rate: (0.05 * rate! * step) / 4, decay: name.endsWith('/bias') ? 0 : decay! };
    },
  },
];

describe.each(CASES)('$title', ({ training, groupOf = plainGroup }) => {
  test('three steps as in plain numbers', async () => {
    const options = trainingOptions.parse({ batchSize: BATCH, learningRate: 0.05, idDropout: 0, ...training });
    const trainer = await Trainer.create(linearModel, dataset, options, { threads: 1 });
    const { store } = trainer;
    const names = store.parameters.map(({ name }) => name);
    const before = new Map(names.map((name) => [name, store.values(name).slice()]));
    let step = 0;
    const plain = new PlainLinear(new Map(names.map((name) => [name, Float64Array.from(store.values(name))])), {
      optimizer: () => plainOptimizer(optimizerOptions.parse(options.optimizer)),
      ...(options.clip !== undefined && { clip: options.clip }),
      groupOf: (name) => groupOf(name, step),
    });
    const batches = epochBatches(dataset.splits.train, BATCH, options.seed, 0);
    for (step = 1; step <= STEPS; step++) {
      const rows = batches.rows(step - 1);
      const report = await trainer.next();
      const { loss, norm } = plain.train(assembleBatch(dataset, rows, { itemPerPair: true }).feeds);
      expect(Math.abs(report.loss! - loss)).toBeLessThan(1e-6);
      expect(Math.abs(report['loss.bce']! - loss)).toBeLessThan(1e-6);
      expect(Math.abs(report.gradientNorm! - norm)).toBeLessThan(1e-6);
      for (const name of names) {
        const values = store.values(name);
        const distance = plain.values
          .get(name)!
          .reduce((most, value, i) => Math.max(most, Math.abs(value - values[i]!)), 0);
        expect(distance, `${name} after step ${step}`).toBeLessThan(1e-5);
        expect(values, name).not.toEqual(before.get(name));
      }
    }
    await trainer.release();
  });
});

test('the batches of these tests repeat users, items and past items, and leave rows out', () => {
  const { feeds, dims } = assembleBatch(dataset, epochBatches(dataset.splits.train, BATCH, 1, 0).rows(0));
  const distinct = (name: string) => new Set(feeds[name]!.data).size;
  expect(dims.B).toBeLessThan(dims.P);
  expect(dims.I).toBeLessThan(dims.P);
  expect(distinct('user.user_id')).toBeLessThan(dims.B);
  expect(distinct('history.clicks.item_id')).toBeLessThan(feeds['history.clicks.item_id']!.data.length / 2);
  const items = new Set([...feeds['item.item_id']!.data, ...feeds['history.clicks.item_id']!.data]);
  expect(items.size).toBeLessThan(dataset.schema.item[0]!.encoding === 'id' ? dataset.schema.item[0]!.size : 0);
});

test('rows that a batch does not look up keep their bytes, also under momentum and decay', async () => {
  const options = trainingOptions.parse({
    batchSize: BATCH,
    idDropout: 0,
    optimizer: { name: 'adamw' },
    weightDecay: 0.5,
  });
  const trainer = await Trainer.create(linearModel, dataset, options, { threads: 1 });
  const { values, width, slots } = trainer.store.tables.get('tables/item.item_id')!;
  const copies = [values, ...slots].map((array) => array.slice());
  const { feeds } = assembleBatch(dataset, epochBatches(dataset.splits.train, BATCH, options.seed, 0).rows(0));
  const looked = new Set([...feeds['item.item_id']!.data, ...feeds['history.clicks.item_id']!.data]);
  await trainer.next();
  [values, ...slots].forEach((array, a) => {
    for (let row = 0; row * width < array.length; row++) {
      const [now, then] = [array, copies[a]!].map((all) => all.slice(row * width, (row + 1) * width));
      // The unknown row stands in the padding of short histories: it is looked up, but its own gradient is zero.
      if (!looked.has(row)) expect(now, `row ${row}`).toEqual(then);
      else if (row !== 0) expect(now, `row ${row}`).not.toEqual(then);
    }
  });
  await trainer.release();
});
