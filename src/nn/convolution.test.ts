import { expect, test } from 'vitest';
import { convolution, maxPoolPairs, mirrorPad, repeatPairs } from './convolution.js';
import { checkGradients } from './testing/gradient-check.js';
import { run, valuesOf, x } from './testing/run.js';
import { floats, uneven } from './testing/values.js';

const list = floats([[[1], [2], [3], [4]]]);
const one = () => x('x', 'B', 4, 1);

test.each<['valid' | 'same', number, number[]]>([
  // y_t = 1·x_t + 10·x_{t+1} + 100·x_{t+2}
  ['valid', 3, [321, 432]],
  ['same', 3, [210, 321, 432, 43]],
  // An even kernel has its extra zero at the end.
  ['same', 2, [21, 32, 43, 4]],
  ['valid', 1, [1, 2, 3, 4]],
])('%s convolution with kernel %i', async (padding, kernel, wanted) => {
  const parameters = { 'c/weight': [1, 10, 100].slice(0, kernel) };
  const { y } = await run(
    () => ({ y: convolution('c', one(), 1, { kernel, padding, bias: false }) }),
    { x: list },
    { parameters },
  );
  expect(y.shape).toEqual([1, wanted.length, 1]);
  expect(y.values).toEqual(wanted);
});

test('the weight holds one matrix per shift', async () => {
  // Channels a, b: y_t = a_t + 10·b_t + 100·a_{t+1} + 1000·b_{t+1} + 5.
  const parameters = { 'c/weight': [1, 10, 100, 1000], 'c/bias': [5] };
  const make = () => convolution('c', x('x', 'B', 2, 2), 1, { kernel: 2 });
  expect(
    await valuesOf(
      make,
      {
        x: floats([
          [
            [1, 2],
            [3, 4],
          ],
        ]),
      },
      { parameters },
    ),
  ).toEqual([4326]);
});

test('pooling, repetition and mirror image', async () => {
  const feeds = {
    x: floats([
      [
        [1, 8],
        [2, 7],
        [4, 5],
        [3, 6],
      ],
    ]),
  };
  const two = () => x('x', 'B', 4, 2);
  expect(await valuesOf(() => maxPoolPairs(two()), feeds)).toEqual([2, 8, 4, 6]);
  expect(await valuesOf(() => repeatPairs(maxPoolPairs(two())), feeds)).toEqual([2, 8, 2, 8, 4, 6, 4, 6]);
  expect(await valuesOf(() => mirrorPad(one(), 2, 3), { x: list })).toEqual([2, 1, 1, 2, 3, 4, 4, 3, 2]);
});

test('sizes that do not fit are named', () => {
  expect(() => maxPoolPairs(x('x', 'B', 5, 1))).toThrow('a list of 5 does not divide into pairs');
  expect(() => mirrorPad(x('x', 'B', 5, 1), 6, 0)).toThrow('a list of 5 cannot be mirrored 6 positions before');
});

test('gradients', async () => {
  const make = () => {
    const down = maxPoolPairs(convolution('c', mirrorPad(x('x', 'B', 4, 2), 1, 3), 3, { kernel: 3 }));
    return convolution('d', repeatPairs(down), 2, { kernel: 3, padding: 'same' });
  };
  await checkGradients(make, { x: uneven([2, 4, 2]) });
});
