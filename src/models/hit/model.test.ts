import { expect, test } from 'vitest';
import { graphCost, reachable } from '../../graph/index.js';
import { ToyModel } from '../../testing/toy-model.js';
import { toyTrainer } from '../../testing/toy-training.js';
import { trainingPath } from '../../testing/training-path.js';
import hit from './model.js';

const SMALL = { embedding: 3, towers: [6, 5], heads: 2, width: 3 };
const LOSSES = ['user-positive', 'user-negative', 'item-positive', 'item-negative'];

const pathOf = async (options: object = {}) => trainingPath(await ToyModel.create(hit, { ...SMALL, ...options }));

test('each generator learns from its own loss alone, and towers and embeddings from none of them', async () => {
  const { outputs, taught } = await pathOf();
  expect(Object.keys(outputs.losses!)).toEqual(LOSSES);
  for (const name of LOSSES) {
    const [side, label] = name.split('-');
    const layers = ['layer1', 'layer2'].flatMap((layer) =>
      ['bias', 'weight'].map((p) => `${side}/${label}/${layer}/dense/${p}`),
    );
    expect(taught(outputs.losses![name]!)).toEqual(layers);
  }
  const byLabels = taught(outputs.logits);
  expect(byLabels.filter((name) => /\/(positive|negative)\//.test(name))).toEqual([]);
  expect(byLabels).toContain('user/tower/layer1/dense/weight');
});

test('mimic vectors enter the towers but are not stored', async () => {
  const { inference } = await ToyModel.create(hit, SMALL);
  expect(Object.keys(inference.parts.item)).toEqual(['item.heads']);
  expect(graphCost(Object.values(inference.parts.item), { I: 1 }).outputBytes).toBe(4 * 2 * 3);
  expect(graphCost(Object.values(inference.parts.score), { N: 1 }).multiplyAdds).toBe(2 * 2 * 3);
  const weight = inference.parameters.find(({ name }) => name === 'item/tower/layer1/dense/weight')!;
  // Two embeddings, two mimic vectors of H·d and two numbers.
  expect(weight.shape).toEqual([2 * 3 + 2 * 6 + 2, 6]);
});

test('a mimic vector changes the scores through its tower', async () => {
  const model = await ToyModel.create(hit, { ...SMALL, towers: [16] });
  const scores = () => model.scores(model.requests(2), model.items(3));
  const before = await scores();
  model.source.values('item/positive/layer2/dense/bias').fill(5);
  expect(await scores()).not.toEqual(before);
  await model.release();
});

test.each(['attract', 'released'] as const)(
  '%s: the sum of the four losses at the start, and where training leads it',
  async (mimicSign) => {
    const model = await ToyModel.create(hit, { ...SMALL, normalization: 'none', mimicWeight: 1, mimicSign });
    const trainer = await toyTrainer(model);
    const sum = (report: Record<string, number>) => LOSSES.reduce((total, name) => total + report[`loss.${name}`]!, 0);
    const first = await trainer.next();
    expect(first.loss).toBeCloseTo(first['loss.bce']! + sum(first), 4);
    // Of each side the two losses divide the pairs among themselves, and a cosine lies between −1 and 1.
    const [least, most] = mimicSign === 'attract' ? [0, 4] : [-2, 2];
    expect(sum(first)).toBeGreaterThanOrEqual(least);
    expect(sum(first)).toBeLessThanOrEqual(most);
    let last = first;
    for (let i = 0; i < 50; i++) last = await trainer.next();
    expect(sum(last)).toBeLessThan(sum(first));
    await trainer.release();
    await model.release();
  },
);

test('the generators read the static features named, and no history or context', async () => {
  const reads = async (options: object) => {
    const { outputs } = await pathOf(options);
    const generated = reachable([outputs.losses!['user-positive']!]).filter(({ scope }) =>
      scope.startsWith('user/positive'),
    );
    const stopped = generated.flatMap(({ inputs }) => inputs).find(({ op }) => op.name === 'stopGradient')!;
    const feeds = reachable([stopped]).filter(({ op }) => op.name === 'input');
    return [...new Set(feeds.map(({ attributes }) => attributes.name.split('@').at(-1)!))].sort();
  };
  const all = await reads({});
  expect(all).toContain('user.topics');
  expect(all.filter((name) => !name.startsWith('user.'))).toEqual([]);
  const few = await reads({ userStatic: ['topics'] });
  expect(few).toEqual(['user.topics', 'user.topics.length']);
  await expect(pathOf({ itemStatic: ['genre'] })).rejects.toThrow('hit: itemStatic: there is no "genre"');
});
