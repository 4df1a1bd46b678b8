import { expect, test } from 'vitest';
import { input, type Tensor } from '../graph/index.js';
import { attentionPooling, maskedMax, maskedMean, maskedSum, weightedSum } from './pooling.js';
import { expectClose } from './testing/expect-close.js';
import { checkGradients } from './testing/gradient-check.js';
import { run, valuesOf, x } from './testing/run.js';
import { bools, floats, uneven } from './testing/values.js';

const values = floats([
  [
    [1, -5],
    [3, -7],
    [100, 100],
  ],
  [
    [9, 9],
    [9, 9],
    [9, 9],
  ],
]);
const mask = bools([
  [1, 1, 0],
  [0, 0, 0],
]);
const list = () => x('values', 'B', 3, 2);
const present = () => input('mask', ['B', 3], 'bool');

test.each<[string, (values: Tensor, mask: Tensor) => Tensor, number[]]>([
  ['sum', maskedSum, [4, -12, 0, 0]],
  ['mean', maskedMean, [2, -6, 0, 0]],
  ['max', maskedMax, [3, -5, 0, 0]],
  ['attention', (v, m) => attentionPooling('p', v, m), [2.5, -6.5, 0, 0]],
])('%s over what is there; an empty list gives zeros', async (name, pool, wanted) => {
  // The scores of the attention are ln 3 / 2 times the first column: 3 : 1 for the second position.
  const parameters: Record<string, number[]> = name === 'attention' ? { 'p/score/weight': [Math.log(3) / 2, 0] } : {};
  const { y } = await run(() => ({ y: pool(list(), present()) }), { values, mask }, { parameters });
  expect(y.shape).toEqual([2, 2]);
  expectClose(y.values, wanted);
  const smooth = { values: uneven([2, 3, 2]), mask };
  await checkGradients(() => pool(list(), present()), smooth);
});

test('more leading axes', async () => {
  const feeds = {
    v: uneven([2, 2, 3, 2]),
    m: bools([
      [
        [1, 0, 1],
        [1, 1, 1],
      ],
      [
        [0, 0, 1],
        [1, 0, 0],
      ],
    ]),
  };
  const { y } = await run(() => ({ y: maskedMean(x('v', 'B', 'N', 3, 2), input('m', ['B', 'N', 3], 'bool')) }), feeds);
  expect(y.shape).toEqual([2, 2, 2]);
  const v = feeds.v.data;
  expect(y.values[0]).toBeCloseTo((v[0]! + v[4]!) / 2, 6);
  expect(y.values[7]).toBeCloseTo(v[19]!, 6);
});

test('several weightings of one list, each through its own scores', async () => {
  const pool = () => attentionPooling('p', list(), present(), { hidden: 4, heads: 3 });
  const { y } = await run(() => ({ y: pool() }), { values: uneven([2, 3, 2]), mask });
  expect(y.shape).toEqual([2, 3, 2]);
  expect(y.values.slice(6)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(new Set(y.values.slice(0, 6)).size).toBe(6);
  await checkGradients(pool, { values: uneven([2, 3, 2]), mask });
});

test('one list serves all rows of weights', async () => {
  const feeds = {
    w: floats([
      [1, 0],
      [2, 3],
    ]),
    one: floats([[[1], [10]]]),
    many: floats([
      [[1], [10]],
      [[1], [10]],
    ]),
  };
  expect(await valuesOf(() => weightedSum(x('w', 'N', 2), x('one', 1, 2, 1)), feeds)).toEqual([1, 32]);
  expect(await valuesOf(() => weightedSum(x('w', 'N', 2), x('many', 'N', 2, 1)), feeds)).toEqual([1, 32]);
});
