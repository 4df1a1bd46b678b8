import { expect, test } from 'vitest';
import type { Dataset, EncodedColumn } from '../data/dataset.js';
import { epochBatches } from '../data/epochs.js';
import { generateDataset } from '../data/generate.js';
import { TwoTowerError } from '../errors.js';
import { findModel } from '../models/index.js';
import { trainingOptions } from './config.js';
import { Trainer } from './trainer.js';

const BATCH = 8;
const dssm = findModel('dssm');
const dataset = generateDataset({ users: 10, items: 8, events: 80 });

async function failure(data: Dataset, training: object): Promise<{ error: TwoTowerError; trainer: Trainer }> {
  const model = dssm.create(data.schema, dssm.options.parse({ embedding: 4, towers: [6], width: 4, dropout: 0.1 }));
  const options = trainingOptions.parse({ batchSize: BATCH, idDropout: 0, epochs: 2, ...training });
  const trainer = await Trainer.create(model, data, options, { threads: 1 });
  try {
    while (trainer.step < trainer.totalSteps) await trainer.next();
  } catch (error) {
    expect(error).toBeInstanceOf(TwoTowerError);
    return { error: error as TwoTowerError, trainer };
  } finally {
    await trainer.release();
  }
  throw new Error(`${trainer.step} steps went well`);
}

/** Users of the training part, who stand in different rows of their batches. */
const USERS = [...new Set(Array.from(dataset.splits.train, (row) => dataset.events.user[row]!))].slice(0, 4);

/** The data with the age of one user replaced. */
function withAge(user: number, age: number): Dataset {
  const column = dataset.users.columns.get('age') as Extract<EncodedColumn, { encoding: 'numbers' }>;
  const values = column.values.slice();
  values[user] = age;
  return {
    ...dataset,
    users: { ...dataset.users, columns: new Map(dataset.users.columns).set('age', { ...column, values }) },
  };
}

// Whichever row of its batch the bad value stands in.
test.each([
  ...USERS.map((user) => [Number.NaN, user] as const),
  [Number.POSITIVE_INFINITY, USERS[1]!] as const,
  [Number.NEGATIVE_INFINITY, USERS[2]!] as const,
])('%f in the data of user %i: the message names the feed, the step and the batch', async (bad, user) => {
  const { error } = await failure(withAge(user, bad), {});
  expect(error.code).toBe('TRAIN_DIVERGED');
  expect(error.message).toContain('the first bad tensor is user.age itself');
  const [, step, rows] = /^step (\d+) \(epoch 1, batch of event rows ([\d, ]+), …\)/.exec(error.message)!;
  const batches = epochBatches(dataset.splits.train, BATCH, 1, 0);
  expect(rows).toBe([...batches.rows(Number(step) - 1).subarray(0, 3)].join(', '));
  const holds = Array.from({ length: Number(step) }, (_, i) =>
    [...batches.rows(i)].some((row) => dataset.events.user[row] === user),
  );
  expect(holds.indexOf(true)).toBe(holds.length - 1);
});

test('an exploding learning rate names the tensor and its place in the model', async () => {
  const { error, trainer } = await failure(dataset, { learningRate: 1e30, optimizer: { name: 'sgd' } });
  expect(error.code).toBe('TRAIN_DIVERGED');
  expect(error.message).toMatch(
    /the first bad tensor is (the result of \w+ at (user|item|score|loss)|(user|item|tables)\/)/,
  );
  expect(error.message).toContain('lower training.learningRate');
  // What the last good step left behind can still be looked at.
  expect(trainer.step).toBeGreaterThan(0);
});

test('a gradient that overflows while the loss is finite says so', async () => {
  const { error } = await failure(withAge(USERS[0]!, 3e30), { learningRate: 1e-30, optimizer: { name: 'sgd' } });
  expect(error.message).toContain("the gradient's norm is ");
});
