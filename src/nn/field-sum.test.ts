import { expect, test } from 'vitest';
import type { Feature } from '../schema.js';
import { sumFields } from './field-sum.js';
import { fieldInput } from './fields.js';
import { expectClose } from './testing/expect-close.js';
import { run } from './testing/run.js';
import { floats, ints } from './testing/values.js';

const features: Feature[] = [
  { name: 'id', owner: 'item', encoding: 'id', vocabulary: 'item.id', size: 3 },
  { name: 'price', owner: 'item', encoding: 'numbers', width: 2 },
  { name: 'tags', owner: 'item', encoding: 'ids', vocabulary: 'item.tag', size: 3, maxLength: 2 },
];
const feeds = (prefix: string) => ({
  [`${prefix}.id`]: ints([1, 2]),
  [`${prefix}.price`]: floats([
    [1, 2],
    [0, 0],
  ]),
  [`${prefix}.tags`]: ints([
    [1, 2],
    [0, 0],
  ]),
  [`${prefix}.tags.length`]: ints([2, 0]),
});
const parameters = {
  'tables/item.id': [9, 9, 1, 2, 3, 4],
  'tables/item.tag': [9, 9, 10, 20, 30, 40],
  'shared/numbers/item.price/map/weight': [100, 200, 1000, 2000],
};
const sum = (prefix: string, lead: string) =>
  sumFields(
    features.map((feature) => fieldInput(feature, prefix, [lead])),
    { width: 2 },
  );

test('embeddings, means of several ids and mapped numbers add up', async () => {
  const { y } = await run(() => ({ y: sum('item', 'I') }), feeds('item'), { parameters });
  expect(y.shape).toEqual([2, 2]);
  // 1 + 20 + (100 + 2·1000), 2 + 30 + (200 + 2·2000); the second row has an id alone.
  expectClose(y.values, [2121, 4232, 3, 4]);
});

test('an item and the memory of it lie at the same place', async () => {
  const both = () => ({ now: sum('item', 'I'), past: sum('history.likes', 'B') });
  const { now, past } = await run(both, { ...feeds('item'), ...feeds('history.likes') }, { parameters });
  expect(past.values).toEqual(now.values);
});

test('a prefix gives tables and maps of their own', async () => {
  const apart = () => {
    const fields = features.map((feature) => fieldInput(feature, 'item', ['I']));
    return { y: sumFields(fields, { width: 2, table: 'output/' }) };
  };
  const own = {
    'tables/output/item.id': [0, 0, 1, 1, 1, 1],
    'tables/output/item.tag': [0, 0, 0, 0, 0, 0],
    'shared/output/numbers/item.price/map/weight': [0, 0, 0, 0],
  };
  const { y } = await run(apart, feeds('item'), { parameters: own });
  expectClose(y.values, [1, 1, 1, 1]);
});
