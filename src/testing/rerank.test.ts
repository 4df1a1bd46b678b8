import { expect, test } from 'vitest';
import { add, divide, indicator, multiply, reduceSum, subtract } from '../graph/index.js';
import type { ModelParts } from '../models/contract.js';
import { findModel } from '../models/index.js';
import { distance } from './compare.js';
import { rerankFeeds, rerankLogits } from './rerank.js';
import { ToyModel } from './toy-model.js';

const dssm = findModel('dssm');
const ITEMS = 5;
const ORDER = [3, 0, 4, 2, 1];

function withRerank(rerank: NonNullable<ModelParts['rerank']>): Promise<ToyModel> {
  // biome-ignore lint/suspicious/noExplicitAny: the options of any model
  const create = (schema: any, options: any): ModelParts => ({ ...dssm.create(schema, options), rerank });
  return ToyModel.create({ ...dssm, create });
}

/** Scores less their mean over the list, plus the product of the two states. */
const relative: NonNullable<ModelParts['rerank']> = (user, items, scores, mask) => {
  const present = indicator(mask);
  const mean = divide(reduceSum(multiply(scores, present), -1, true), reduceSum(present, -1, true));
  return add(subtract(scores, mean), reduceSum(multiply(user.vector!, items.vector!), -1));
};

test('lists carry the scores of each request, in any order, with part of them masked', async () => {
  const model = await withRerank(relative);
  const lists = await rerankFeeds(model, 2, ITEMS);
  const pairs = await model.scores(model.requests(2), model.items(ITEMS));
  expect(distance(lists.feeds.scores!.data, pairs)).toBeLessThan(1e-6);
  const whole = await rerankLogits(model, lists);
  expect(whole.map((list) => list.length)).toEqual([ITEMS, ITEMS]);
  const permuted = await rerankLogits(model, lists.inOrder(ORDER));
  const masked = await rerankLogits(model, lists.masked(3));
  const shorter = await rerankLogits(model, await rerankFeeds(model, 2, 3));
  whole.forEach((list, b) => {
    expect(
      distance(
        permuted[b]!,
        ORDER.map((i) => list[i]!),
      ),
    ).toBeLessThan(1e-5);
    expect(distance(masked[b]!.slice(0, 3), shorter[b]!)).toBeLessThan(1e-5);
    // Here the mask matters: with the whole list the mean is another one.
    expect(distance(list.slice(0, 3), shorter[b]!)).toBeGreaterThan(1e-3);
  });
  await model.release();
});

test('a model that looks behind the mask is caught', async () => {
  const model = await withRerank((_user, _items, scores) => subtract(scores, reduceSum(scores, -1, true)));
  const masked = await rerankLogits(model, (await rerankFeeds(model, 2, ITEMS)).masked(3));
  const shorter = await rerankLogits(model, await rerankFeeds(model, 2, 3));
  expect(distance(masked[0]!.slice(0, 3), shorter[0]!)).toBeGreaterThan(1e-3);
  await model.release();
});
