import { expect, test } from 'vitest';
import { broadcastTo, concat, expandDims, input, multiply, subtract } from '../graph/index.js';
import { dense } from './dense.js';
import { activationUnit, type TargetAttentionOptions, targetAttention } from './target-attention.js';
import { expectClose } from './testing/expect-close.js';
import { checkGradients } from './testing/gradient-check.js';
import { run, valuesOf, x } from './testing/run.js';
import { bools, floats, uneven } from './testing/values.js';

const options: TargetAttentionOptions = { units: [3], activation: 'tanh' };
const mask = bools([
  [1, 1, 0, 1],
  [0, 0, 0, 0],
]);
const list = uneven([2, 4, 2], 2);

const WEIGHT = [0.3, -0.2, 0.5, 0.7, -0.4, 0.1, 0.6, -0.8];

test('the split first layer equals the layer over [q; s; q−s; q⊙s]', async () => {
  const feeds = { q: uneven([2, 2]), s: list };
  const { split, whole } = await run(
    () => {
      const [q, s] = [x('q', 'B', 2), x('s', 'B', 4, 2)];
      const wide = broadcastTo(expandDims(q, 1), s.shape, s);
      const all = concat([wide, s, subtract(wide, s), multiply(wide, s)]);
      return { split: activationUnit('split', q, s, { units: [] }), whole: dense('whole', all, 1) };
    },
    feeds,
    { parameters: { 'split/layer1/dense/weight': WEIGHT, 'whole/weight': WEIGHT } },
  );
  expect(split.shape).toEqual([2, 4]);
  expectClose(split.values, whole.values);
});

test('softmax weights: the list pooled by hand', async () => {
  // Only q⊙s counts, by ln 3: scores ln 3·(1·1, 1·0) for the first two positions, the third is padding.
  const parameters = { 'a/layer1/dense/weight': [0, 0, 0, Math.log(3)] };
  const feeds = { q: floats([[1]]), s: floats([[[1], [0], [50]]]), m: bools([[1, 1, 0]]) };
  const make = (weights: 'softmax' | 'raw') =>
    targetAttention('a', x('q', 'B', 1), x('s', 'B', 3, 1), input('m', ['B', 3], 'bool'), { units: [], weights });
  expect((await valuesOf(() => make('softmax'), feeds, { parameters }))[0]).toBeCloseTo(0.75, 5);
  // Raw weights are the scores themselves.
  expect((await valuesOf(() => make('raw'), feeds, { parameters }))[0]).toBeCloseTo(Math.log(3), 5);
});

test('an empty history gives zeros', async () => {
  const make = () => targetAttention('a', x('q', 'B', 2), x('s', 'B', 4, 2), input('m', ['B', 4], 'bool'), options);
  const y = await valuesOf(make, { q: uneven([2, 2]), s: list, m: mask });
  expect(y.slice(2)).toEqual([0, 0]);
  expect(y[0]).not.toBe(0);
});

test('candidates of one user, and queries of many users, equal one call for each pair', async () => {
  const q = uneven([3, 2]);
  const pairs = [0, 1].flatMap((user) => [0, 1, 2].map((query) => ({ user, query })));
  const expected = await valuesOf(
    () => targetAttention('a', x('q', 'P', 2), x('s', 'P', 4, 2), input('m', ['P', 4], 'bool'), options),
    {
      q: floats(pairs.map(({ query }) => [...q.data.slice(2 * query, 2 * query + 2)])),
      s: {
        data: Float32Array.from(pairs.flatMap(({ user }) => [...list.data.slice(8 * user, 8 * user + 8)])),
        shape: [6, 4, 2],
      },
      m: {
        data: Uint8Array.from(pairs.flatMap(({ user }) => [...mask.data.slice(4 * user, 4 * user + 4)])),
        shape: [6, 4],
      },
    },
  );
  const many = await run(
    () => ({
      y: targetAttention(
        'a',
        x('q', 3, 2),
        expandDims(x('s', 'B', 4, 2), 1),
        expandDims(input('m', ['B', 4], 'bool'), 1),
        options,
      ),
    }),
    { q, s: list, m: mask },
  );
  expect(many.y.shape).toEqual([2, 3, 2]);
  expectClose(many.y.values, expected);
  const one = await run(
    () => ({ y: targetAttention('a', x('q', 'N', 2), x('s', 1, 4, 2), input('m', [1, 4], 'bool'), options) }),
    { q, s: { data: list.data.slice(0, 8), shape: [1, 4, 2] }, m: bools([[1, 1, 0, 1]]) },
  );
  expect(one.y.shape).toEqual([3, 2]);
  expectClose(one.y.values, expected.slice(0, 6));
});

test('extra features of a position move its weight', async () => {
  const parameters = { 'a/layer1/dense/weight': [0, 0, 0, 0, 1] };
  const feeds = { q: floats([[1]]), s: floats([[[1], [0]]]), lag: floats([[[Math.log(3)], [0]]]) };
  const make = () =>
    targetAttention('a', x('q', 'B', 1), x('s', 'B', 2, 1), undefined, { units: [], extra: x('lag', 'B', 2, 1) });
  expect((await valuesOf(make, feeds, { parameters }))[0]).toBeCloseTo(0.75, 5);
});

test.each<[string, TargetAttentionOptions]>([
  ['softmax', options],
  [
    'raw, with layer norm and without bias',
    { units: [3, 2], activation: 'elu', normalization: 'layer', bias: false, weights: 'raw' },
  ],
])('gradients, %s', async (_, chosen) => {
  const make = () => targetAttention('a', x('q', 'B', 2), x('s', 'B', 4, 2), input('m', ['B', 4], 'bool'), chosen);
  await checkGradients(make, { q: uneven([2, 2]), s: list, m: mask });
});
