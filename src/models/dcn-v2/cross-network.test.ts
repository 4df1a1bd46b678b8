import { expect, test } from 'vitest';
import { expectClose } from '../../nn/testing/expect-close.js';
import { checkGradients } from '../../nn/testing/gradient-check.js';
import { valuesOf, x } from '../../nn/testing/run.js';
import { floats, uneven } from '../../nn/testing/values.js';
import { crossNetwork } from './cross-network.js';

test('two layers by hand', async () => {
  const parameters = {
    // Rows are inputs: the first output sees both of them, the second none.
    'c/layer1/w/weight': [1, 0, 1, 0],
    'c/layer1/w/bias': [0, 1],
    'c/layer2/w/weight': [0, 1, 0, 0],
    'c/layer2/w/bias': [-1, 0],
  };
  const make = () => crossNetwork('c', [x('x', 'B', 2)], { layers: 2, rank: 'full' });
  // x₀ = [2, 3]; x₁ = [2·(2+3) + 2, 3·1 + 3] = [12, 6]; x₂ = [2·(−1) + 12, 3·12 + 6].
  expect(await valuesOf(make, { x: floats([[2, 3]]) }, { parameters })).toEqual([10, 42]);
});

test('of full rank, a product of two matrices is the same as their product', async () => {
  const [v, u] = [uneven([3, 2]), uneven([2, 3], 2)].map(({ data }) => Array.from(data)) as [number[], number[]];
  const product = Array.from({ length: 9 }, (_, at) => {
    const [i, j] = [Math.floor(at / 3), at % 3];
    return v[2 * i]! * u[j]! + v[2 * i + 1]! * u[3 + j]!;
  });
  const bias = [0.1, 0.2, 0.3];
  const feeds = { x: uneven([4, 3], 3) };
  const cross = (rank: 'full' | number) => () => crossNetwork('c', [x('x', 'B', 3)], { layers: 1, rank });
  const low = { 'c/layer1/v/weight': v, 'c/layer1/u/weight': u, 'c/layer1/u/bias': bias };
  const full = { 'c/layer1/w/weight': product, 'c/layer1/w/bias': bias };
  expectClose(
    await valuesOf(cross(2), feeds, { parameters: low }),
    await valuesOf(cross('full'), feeds, { parameters: full }),
  );
});

test.each(['full', 2] as const)('one user with many items is as each of them side by side, rank %s', async (rank) => {
  const [user, items] = [uneven([1, 2]), uneven([3, 2], 2)];
  const whole = floats([0, 1, 2].map((i) => [...user.data, ...items.data.slice(2 * i, 2 * i + 2)]));
  const options = { layers: 3, rank };
  const split = () => crossNetwork('c', [x('user', 1, 2), x('items', 'N', 2)], options);
  expectClose(
    await valuesOf(split, { user, items }),
    await valuesOf(() => crossNetwork('c', [x('x', 'N', 4)], options), { x: whole }),
  );
  await checkGradients(split, { user, items });
});
