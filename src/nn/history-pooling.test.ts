import { expect, test } from 'vitest';
import { Build, input } from '../graph/index.js';
import type { Feature } from '../schema.js';
import { fieldInput, lastMask } from './fields.js';
import { poolHistory } from './history-pooling.js';
import { expectClose } from './testing/expect-close.js';
import { checkGradients } from './testing/gradient-check.js';
import { run } from './testing/run.js';
import { floats, ints } from './testing/values.js';

const features = (size: number): Feature[] => [
  { name: 'id', owner: 'item', encoding: 'id', vocabulary: 'id', size },
  { name: 'price', owner: 'item', encoding: 'numbers', width: 1 },
  { name: 'tags', owner: 'item', encoding: 'ids', vocabulary: 'tag', size, maxLength: 2 },
];
const table = (size: number, first: number) =>
  Array.from({ length: size * 2 }, (_, i) => (i < 6 ? first * (i + 1) : -7));
const parameters = (size: number) => ({ 'tables/id': table(size, 1), 'tables/tag': table(size, 9) });

/** Three users with three, one and no past events, the newest last. */
const feeds = {
  'h.id': ints([
    [1, 2, 1],
    [0, 0, 2],
    [0, 0, 0],
  ]),
  'h.price': floats([
    [[1], [2], [6]],
    [[0], [0], [4]],
    [[0], [0], [0]],
  ]),
  'h.tags': ints([
    [
      [2, 1],
      [1, 0],
      [2, 2],
    ],
    [
      [0, 0],
      [0, 0],
      [1, 2],
    ],
    [
      [0, 0],
      [0, 0],
      [0, 0],
    ],
  ]),
  'h.tags.length': ints([
    [2, 1, 0],
    [0, 0, 2],
    [0, 0, 0],
  ]),
  'h.length': ints([3, 1, 0]),
};
const pooled = (size: number) => () => {
  const fields = features(size).map((feature) => fieldInput(feature, 'h', ['B', 3]));
  const length = input('h.length', ['B'], 'int32');
  return { y: poolHistory({ fields, length, mask: lastMask(3, length) }, { width: 2 }) };
};

/** Counted from a table of three rows, looked up in one of a hundred. */
test.each([3, 100])('the mean of every field over the events, from a table of %i rows', async (size) => {
  const { y } = await run(pooled(size), feeds, { parameters: parameters(size) });
  expect(y.shape).toEqual([3, 5]);
  // Two of three events have tags, their means 36 and 27, over all three events.
  const first = [(3 + 5 + 3) / 3, (4 + 6 + 4) / 3, 3, (36 + 27) / 3, (45 + 36) / 3];
  expectClose(y.values, [...first, 5, 6, 4, 36, 45, 0, 0, 0, 0, 0]);
});

test.each([3, 100])('its gradient with a table of %i rows', async (size) => {
  const { 'tables/id': id, 'tables/tag': tag } = parameters(size);
  const small = { 'tables/id': id.map((v) => v / 10), 'tables/tag': tag.map((v) => v / 100) };
  await checkGradients(() => pooled(size)().y, feeds, { parameters: small, wrt: ['tables/id', 'tables/tag'] });
});

test('a small table is asked for as a whole, a large one by its ids', () => {
  const asked = (size: number) => {
    const build = new Build(true);
    build.run(pooled(size));
    return build.lookups.map(({ ids, lengths }) => ({ ids, lengths }));
  };
  expect(asked(3)).toEqual([{ ids: 3 }, { ids: 3 }]);
  expect(asked(100)).toEqual([{ ids: 'h.id', lengths: 'h.length' }, { ids: 'h.tags' }]);
});
