import { expect, test } from 'vitest';
import { Build } from '../graph/index.js';
import { Random } from '../random.js';
import type { Feature } from '../schema.js';
import { fieldInput } from './fields.js';
import { linearBias } from './linear-bias.js';
import { expectClose } from './testing/expect-close.js';
import { run } from './testing/run.js';
import { floats, ints } from './testing/values.js';

const features: Feature[] = [
  { name: 'id', owner: 'item', encoding: 'id', vocabulary: 'item.id', size: 3 },
  { name: 'price', owner: 'item', encoding: 'numbers', width: 1 },
  { name: 'tags', owner: 'item', encoding: 'ids', vocabulary: 'item.tag', size: 3, maxLength: 2 },
];
const fields = (chosen: readonly Feature[]) => chosen.map((feature) => fieldInput(feature, 'item', ['I']));

test('one number of each id field, the mean of several ids, is summed; numbers have no part in it', async () => {
  const feeds = {
    'item.id': ints([1, 2]),
    'item.price': floats([[7], [7]]),
    'item.tags': ints([
      [1, 2],
      [0, 0],
    ]),
    'item.tags.length': ints([2, 0]),
  };
  const parameters = { 'tables/bias/item.id': [9, 1, 2], 'tables/bias/item.tag': [9, 10, 30] };
  const { y } = await run(() => ({ y: linearBias(fields(features))! }), feeds, { parameters });
  expect(y.shape).toEqual([2, 1]);
  expectClose(y.values, [21, 2]);
});

test('its tables start at 0', () => {
  const build = new Build(false);
  build.run(() => linearBias(fields(features)));
  const first = [...build.parameters.values()].map(({ shape, initialize }) => [...initialize(shape, Random.of(1))]);
  expect([...build.parameters.keys()]).toEqual(['tables/bias/item.id', 'tables/bias/item.tag']);
  expect(first).toEqual([
    [0, 0, 0],
    [0, 0, 0],
  ]);
});

test('without id fields there is none', () => {
  expect(new Build(false).run(() => linearBias(fields([features[1]!])))).toBeUndefined();
  expect(linearBias([])).toBeUndefined();
});
