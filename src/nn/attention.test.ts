import { expect, test } from 'vitest';
import { input } from '../graph/index.js';
import { type AttentionMasks, attend, multiHeadAttention } from './attention.js';
import { expectClose } from './testing/expect-close.js';
import { checkGradients } from './testing/gradient-check.js';
import { run, valuesOf, x } from './testing/run.js';
import { bools, floats, uneven } from './testing/values.js';

const list = floats([
  [
    [1, 0],
    [0, 1],
    [5, 5],
  ],
]);

test('a query weighs values by the softmax of its inner products with the keys', async () => {
  // Scores ln 3·(1, 0): weights 3/4 and 1/4 of the values 4 and 8.
  const feeds = {
    q: floats([[1, 0]]),
    k: floats([
      [1, 0],
      [0, 1],
    ]),
    v: floats([[4], [8]]),
  };
  const y = await valuesOf(() => attend(x('q', 1, 2), x('k', 2, 2), x('v', 2, 1), { scale: Math.log(3) }), feeds);
  expectClose(y, [5]);
});

test('the default scale is one over the square root of the key width', async () => {
  const feeds = {
    q: floats([[2 * Math.log(3), 0, 0, 0]]),
    k: floats([
      [1, 0, 0, 0],
      [0, 1, 0, 0],
    ]),
    v: floats([[4], [8]]),
  };
  expectClose(await valuesOf(() => attend(x('q', 1, 4), x('k', 2, 4), x('v', 2, 1)), feeds), [5]);
});

test.each<[string, () => AttentionMasks, number[]]>([
  // Queries are zeros, so that the allowed values 1, 2 and 9 are averaged.
  ['none', () => ({}), [4, 4, 4]],
  ['padding', () => ({ keys: input('keys', ['B', 3], 'bool') }), [1.5, 1.5, 1.5]],
  ['pairs', () => ({ pairs: input('pairs', [3, 3], 'bool') }), [1, 1.5, 0]],
  ['self', () => ({ excludeSelf: true }), [5.5, 5, 1.5]],
  [
    'all together',
    () => ({ keys: input('keys', ['B', 3], 'bool'), pairs: input('pairs', [3, 3], 'bool'), excludeSelf: true }),
    [0, 1, 0],
  ],
])('masks: %s', async (_, masks, wanted) => {
  const feeds = {
    q: floats([[[0], [0], [0]]]),
    v: floats([[[1], [2], [9]]]),
    keys: bools([[1, 1, 0]]),
    pairs: bools([
      [1, 0, 0],
      [1, 1, 0],
      [0, 0, 0],
    ]),
  };
  expectClose(
    await valuesOf(() => attend(x('q', 'B', 3, 1), x('v', 'B', 3, 1), x('v', 'B', 3, 1), masks()), feeds),
    wanted,
  );
});

test('heads look at their own columns: one attends sharply, the other to all', async () => {
  const parameters = {
    'a/query/weight': [1000, 0, 0, 0],
    'a/key/weight': [1, 0, 0, 1],
    'a/value/weight': [1, 0, 0, 1],
    'a/output/weight': [1, 0, 0, 10],
  };
  const make = () => multiHeadAttention('a', x('q', 'B', 1, 2), x('s', 'B', 3, 2), { heads: 2, bias: false });
  // Head 1 takes the key with the largest first column (5), head 2 the mean of the second (2), times 10.
  expectClose(await valuesOf(make, { q: floats([[[1, 1]]]), s: list }, { parameters }), [5, 20]);
});

test('one user meets many items as if repeated for each', async () => {
  const feeds = { user: uneven([1, 3, 4]), item: uneven([2, 2, 4], 2) };
  const repeated = {
    ...feeds,
    user: { data: new Float32Array([...feeds.user.data, ...feeds.user.data]), shape: [2, 3, 4] },
  };
  for (const userFirst of [true, false]) {
    const make = (lead: number | string) => {
      const sides = [x('user', lead, 3, 4), x('item', 'N', 2, 4)] as const;
      return multiHeadAttention('a', sides[userFirst ? 0 : 1], sides[userFirst ? 1 : 0], { heads: 2 });
    };
    const { y } = await run(() => ({ y: make(1) }), feeds);
    expect(y.shape).toEqual([2, userFirst ? 3 : 2, 4]);
    expectClose(y.values, await valuesOf(() => make('N'), repeated), 6);
  }
});

test('permuting the list permutes the result', async () => {
  const list = uneven([1, 3, 2]);
  const rotated = { data: new Float32Array([...list.data.slice(2), ...list.data.slice(0, 2)]), shape: [1, 3, 2] };
  const make = () => multiHeadAttention('a', x('s', 'B', 3, 2), x('s', 'B', 3, 2), { heads: 2, excludeSelf: true });
  const y = await valuesOf(make, { s: list });
  expectClose(await valuesOf(make, { s: rotated }), [...y.slice(2), ...y.slice(0, 2)], 6);
});

test('lists of a length known only at run time', async () => {
  const make = () =>
    multiHeadAttention('a', x('s', 'B', 'N', 2), x('s', 'B', 'N', 2), {
      heads: 2,
      keys: input('keys', ['B', 'N'], 'bool'),
    });
  const { y } = await run(() => ({ y: make() }), {
    s: uneven([2, 3, 2]),
    keys: bools([
      [1, 1, 0],
      [0, 0, 0],
    ]),
  });
  expect(y.shape).toEqual([2, 3, 2]);
  // The second list is empty: only the (zero) bias of the output is left.
  expectClose(y.values.slice(6), [0, 0, 0, 0, 0, 0]);
});

test('gradients', async () => {
  const keys = bools([
    [1, 1, 0],
    [1, 1, 1],
  ]);
  const make = () =>
    multiHeadAttention('a', x('q', 'B', 2, 4), x('s', 'B', 3, 4), {
      heads: 2,
      output: 3,
      keys: input('keys', ['B', 3], 'bool'),
    });
  await checkGradients(make, { q: uneven([2, 2, 4]), s: uneven([2, 3, 4], 2), keys });
});

test('a width that does not divide into the heads is named', async () => {
  await expect(
    valuesOf(() => multiHeadAttention('a', x('q', 'B', 2, 4), x('q', 'B', 2, 4), { heads: 3 })),
  ).rejects.toThrow('a: a width of 4 does not divide into 3 heads');
});
