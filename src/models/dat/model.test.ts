import { describe, expect, test } from 'vitest';
import { graphCost, input } from '../../graph/index.js';
import { checkGradients } from '../../nn/testing/gradient-check.js';
import { valuesOf, x } from '../../nn/testing/run.js';
import { floats, ints, uneven } from '../../nn/testing/values.js';
import { distance } from '../../testing/compare.js';
import { ToyModel } from '../../testing/toy-model.js';
import { toyTrainer } from '../../testing/toy-training.js';
import { trainingPath } from '../../testing/training-path.js';
import { categoryAlignment } from './category-alignment.js';
import dat from './model.js';

const SMALL = { embedding: 3, towers: [6], width: 4 };

test('both vectors have a fixed length, and the score is their cosine over the temperature', async () => {
  const model = await ToyModel.create(dat, { ...SMALL, temperature: 0.2 });
  const users = await model.inference.users(model.requests(3));
  const items = await model.inference.items(model.items(5));
  const vector = (state: typeof users, name: string, row: number) =>
    Array.from(state[name]!.data.subarray(row * 4, row * 4 + 4));
  const length = (v: number[]) => Math.hypot(...v);
  const scores = await model.scores(model.requests(3), model.items(5));
  for (let b = 0; b < 3; b++) {
    expect(length(vector(users, 'user.vector', b))).toBeCloseTo(5, 5);
    for (let i = 0; i < 5; i++) {
      const [u, v] = [vector(users, 'user.vector', b), vector(items, 'item.vector', i)];
      expect(length(v)).toBeCloseTo(1, 5);
      const inner = u.reduce((sum, value, k) => sum + value * v[k]!, 0);
      expect(scores[b * 5 + i]).toBeCloseTo(inner + users['user.level']!.data[b]!, 4);
    }
  }
  await model.release();
});

test('only states of the plain two-tower are served', async () => {
  const { inference } = await ToyModel.create(dat, SMALL);
  expect(Object.keys(inference.parts.item)).toEqual(['item.vector']);
  expect(Object.keys(inference.parts.user)).toEqual(['user.vector', 'user.level']);
  expect(graphCost(Object.values(inference.parts.item), { I: 1 }).outputBytes).toBe(4 * 4);
});

const pathOf = async (options: object) => trainingPath(await ToyModel.create(dat, { ...SMALL, ...options }));

describe('the mimic losses', () => {
  test('teach the augmented vectors of their own side and nothing else', async () => {
    const { outputs, taught } = await pathOf({});
    const user = taught(outputs.losses!['user-mimic']!);
    const item = taught(outputs.losses!['item-mimic']!);
    expect([user.length, item.length]).toEqual([1, 1]);
    expect(user[0]).toContain('augmented/user');
    expect(item[0]).toContain('augmented/item');
    // The labels teach them as well, through the towers.
    expect(taught(outputs.logits)).toEqual(expect.arrayContaining([...user, ...item]));
  });

  test('are weighted means of squared distances over all pairs, and fall', async () => {
    const reports = async (options: object) => {
      const model = await ToyModel.create(dat, { ...SMALL, ...options });
      const trainer = await toyTrainer(model);
      const found = [];
      for (let i = 0; i < 40; i++) found.push(await trainer.next());
      await trainer.release();
      return found;
    };
    const [once, double] = [await reports({}), await reports({ userMimic: 1 })];
    const first = once[0]!;
    expect(double[0]!['loss.user-mimic']).toBeCloseTo(2 * first['loss.user-mimic']!, 5);
    expect(double[0]!['loss.item-mimic']).toBeCloseTo(first['loss.item-mimic']!, 5);
    expect(first.loss).toBeCloseTo(first['loss.bce']! + first['loss.user-mimic']! + first['loss.item-mimic']!, 5);
    // Augmented vectors start near 0, the others have length 1: the loss is about half of the share of clicks.
    expect(first['loss.user-mimic']).toBeGreaterThan(0.05);
    expect(first['loss.user-mimic']).toBeLessThan(0.55);
    expect(once.at(-2)!['loss.user-mimic']).toBeLessThan(first['loss.user-mimic']!);
  });
});

test('the alignment is the squared distance of covariances to the largest category', async () => {
  // Category 1 has the points ±(1, 0) and 0: covariance diag(1, 0); category 2 has ±(0, 2): diag(0, 8); 0 has one point.
  const vectors = floats([
    [1, 0],
    [5, 5],
    [0, 2],
    [-1, 0],
    [0, -2],
    [0, 0],
  ]);
  const category = ints([1, 0, 2, 1, 2, 1]);
  const make = () => categoryAlignment(x('vectors', 'I', 2), input('category', ['I'], 'int32'), 4);
  expect(distance(await valuesOf(make, { vectors, category }), [1 + 64])).toBeLessThan(1e-5);
  // Where no category has two items there is nothing to align.
  const alone = { vectors: floats([[3, 4]]), category: ints([2]) };
  expect(await valuesOf(make, alone)).toEqual([0]);
  await checkGradients(make, { vectors: uneven([6, 2]), category });
});

test('the alignment enters training with its weight', async () => {
  const category = { field: 'item_id', weight: 2 };
  const names = (await ToyModel.create(dat, SMALL)).dataset.schema.item;
  const id = names.find(({ encoding }) => encoding === 'id')!.name;
  const { outputs } = await pathOf({ category: { ...category, field: id } });
  expect(Object.keys(outputs.losses!)).toEqual(['user-mimic', 'item-mimic', 'category-alignment']);
  const list = names.find(({ encoding }) => encoding === 'ids')!.name;
  await expect(pathOf({ category: { ...category, field: list } })).rejects.toThrow('dat: category.field');
});

test('data without ids, or without the ids named, is refused', async () => {
  await expect(ToyModel.create(dat, { ...SMALL, userId: 'nobody' })).rejects.toThrow(
    'dat: userId: there is no "nobody"',
  );
  const { dataset } = await ToyModel.create(dat, SMALL);
  const user = dataset.schema.user.filter(({ encoding }) => encoding === 'numbers');
  expect(() => dat.create({ ...dataset.schema, user }, dat.options.parse(SMALL))).toThrow(
    'dat: the data has no user field of single ids',
  );
});
