import { expect, test } from 'vitest';
import { concat } from '../graph/index.js';
import { dense } from './dense.js';
import { mlp } from './mlp.js';
import { sideBySide } from './side-by-side.js';
import { expectClose } from './testing/expect-close.js';
import { checkGradients } from './testing/gradient-check.js';
import { run, valuesOf, x } from './testing/run.js';
import { floats, uneven } from './testing/values.js';

const WEIGHT = [1, 2, 3, 4, 5, 6];

test('x·W + b by hand', async () => {
  const parameters = { 'd/weight': WEIGHT, 'd/bias': [10, 20] };
  const y = await valuesOf(() => dense('d', x('x', 'B', 3), 2), { x: floats([[1, 0, -1]]) }, { parameters });
  expect(y).toEqual([10 + 1 - 5, 20 + 2 - 6]);
});

test('several inputs are one concatenation, whose leading axes broadcast', async () => {
  const parameters = { 'd/weight': WEIGHT, 'd/bias': [10, 20] };
  const feeds = {
    user: floats([[1]]),
    items: floats([
      [0, -1],
      [1, 1],
    ]),
  };
  const make = () => dense('d', [x('user', 1, 1), x('items', 'N', 2)], 2);
  expect(await valuesOf(make, feeds, { parameters })).toEqual([6, 16, 10 + 1 + 3 + 5, 20 + 2 + 4 + 6]);
  await checkGradients(make, feeds);
});

test('layers over several inputs are layers over all of them side by side', async () => {
  const feeds = { user: uneven([3, 1, 2]), query: uneven([4, 3], 2), both: uneven([3, 4, 2], 3) };
  const inputs = () => [x('user', 'B', 1, 2), x('query', 4, 3), x('both', 'B', 4, 2)];
  const options = { units: [5, 2], activation: 'tanh', normalization: 'layer' } as const;
  const parameters = Object.fromEntries(
    ['split', 'whole'].map((name) => [`${name}/layer1/dense/weight`, Array.from(uneven([35], 4).data)]),
  );
  for (const name of ['split', 'whole']) parameters[`${name}/layer2/dense/weight`] = Array.from(uneven([10], 5).data);
  const make = () => ({ split: mlp('split', inputs(), options), whole: mlp('whole', sideBySide(inputs()), options) });
  const { split, whole } = await run(make, feeds, { parameters });
  expect(split.shape).toEqual([3, 4, 2]);
  expectClose(split.values, whole.values);
  expect(await valuesOf(() => mlp('none', inputs(), { units: [] }), feeds)).toEqual(
    await valuesOf(() => sideBySide(inputs()), feeds),
  );
});

test('side by side: what has fewer rows is repeated', async () => {
  const feeds = {
    user: floats([[7]]),
    items: floats([
      [1, 2],
      [3, 4],
    ]),
  };
  const { y } = await run(() => ({ y: sideBySide([x('user', 1, 1), x('items', 'N', 2)]) }), feeds);
  expect(y).toEqual({ shape: [2, 3], values: [7, 1, 2, 7, 3, 4] });
  const alone = () => sideBySide([x('items', 'N', 2)]);
  expect(await valuesOf(alone, feeds)).toEqual(await valuesOf(() => concat([x('items', 'N', 2)]), feeds));
  expect(() => sideBySide([x('a', 'A', 1), x('b', 'B', 1)])).toThrow('[A, 1] and [B, 1] do not fit side by side');
});
