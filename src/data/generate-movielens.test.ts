import { expect, test } from 'vitest';
import { assembleBatch } from './batches.js';
import { Featurizer } from './featurizer.js';
import { generateMovieLensShape } from './generate-movielens.js';
import { countItems } from './sampling.js';

const dataset = generateMovieLensShape({ events: 50_000, historyLength: 20 });

test('it has the shape of MovieLens-1M', () => {
  const { schema, users, items, events } = dataset;
  expect([users.count - 1, items.count - 1, events.count]).toEqual([6040, 3706, 50_000]);
  expect(schema.user.map((f) => ('size' in f ? f.size : f.width))).toEqual([6041, 3, 8, 22, 1]);
  expect(schema.item.map((f) => ('size' in f ? f.size : f.width))).toEqual([3707, 19, 1]);
  expect(events.time.every((time, row) => row === 0 || events.time[row - 1]! <= time)).toBe(true);
  const rate = events.feedback.get('liked')!.reduce((a, b) => a + b, 0) / events.count;
  expect(rate).toBeGreaterThan(0.5);
  expect(rate).toBeLessThan(0.65);
  const counts = countItems(events.item, dataset.splits.train, items.count).sort((a, b) => b - a);
  const top = counts.subarray(0, 370).reduce((a, b) => a + b, 0) / dataset.splits.train.length;
  expect(top).toBeGreaterThan(0.3); // The most popular tenth has more than its share.
});

test('batches can be made of it, histories included, and its encoders suit the featurizer', () => {
  const { feeds } = assembleBatch(dataset, dataset.splits.test.subarray(0, 100));
  expect(feeds['history.liked.genres']!.shape.slice(1)).toEqual([20, 6]);
  const raw = Featurizer.fromState(dataset.schema, dataset.encoders).encodeItems([{ item_id: 7, genres: '3|1' }]);
  expect(raw['item.item_id']!.data[0]).toBe(7);
  expect([...raw['item.genres']!.data]).toEqual([3, 1, 0, 0, 0, 0]);
});

test('the seed decides all of it', () => {
  expect(generateMovieLensShape({ events: 1000 })).toEqual(generateMovieLensShape({ events: 1000 }));
  const other = generateMovieLensShape({ events: 1000, seed: 2 });
  expect(other.events.item).not.toEqual(generateMovieLensShape({ events: 1000 }).events.item);
});
