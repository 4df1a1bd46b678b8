import { expect, test } from 'vitest';
import { gradients, input, multiply, reduceSum, type Tensor } from '../../graph/index.js';
import { run, valuesOf, x } from '../../nn/testing/run.js';
import { floats, ints, uneven } from '../../nn/testing/values.js';
import { Quantizer } from './quantizer.js';

/** Two parts of one number each, three codewords. */
const small = () => new Quantizer(2, 2, 3);
const parameters = { 'shared/codebook/part1': [-1, 0, 2], 'shared/codebook/part2': [5, -5, 1] };
const tokens = () => x('tokens', 'B', 2, 2);

test('each part becomes its nearest codeword, the code is their number in row-major order', async () => {
  const feeds = {
    tokens: floats([
      [
        [-0.6, 0],
        [1.1, 4],
      ],
      [
        [0.4, -9],
        [9, 2.9],
      ],
    ]),
  };
  const found = await run(() => ({ ...small().quantize(tokens()) }), feeds, { parameters });
  expect(found.quantized.values).toEqual([-1, 1, 2, 5, 0, -5, 2, 1]);
  expect(found.code.values).toEqual([0 * 3 + 2, 2 * 3 + 0, 1 * 3 + 1, 2 * 3 + 2]);
});

test('nearest is nearest by all distances', async () => {
  const quantizer = new Quantizer(6, 2, 5);
  const book = [uneven([5, 3], 7).data, uneven([5, 3], 8).data].map((part) => Array.from(part));
  const feed = uneven([4, 3, 6], 3);
  const given = { 'shared/codebook/part1': book[0]!, 'shared/codebook/part2': book[1]! };
  const { code } = await run(
    () => ({ ...quantizer.quantize(x('tokens', 'B', 3, 6)) }),
    { tokens: feed },
    { parameters: given },
  );
  const distances = (t: number, m: number) =>
    Array.from({ length: 5 }, (_, n) =>
      [0, 1, 2].reduce((sum, k) => sum + (feed.data[t * 6 + m * 3 + k]! - book[m]![n * 3 + k]!) ** 2, 0),
    );
  const nearest = (list: number[]) => list.indexOf(Math.min(...list));
  const wanted = Array.from({ length: 12 }, (_, t) => 5 * nearest(distances(t, 0)) + nearest(distances(t, 1)));
  expect(code.values).toEqual(wanted);
  expect(new Set(wanted).size).toBeGreaterThan(3);
});

test('every code as a vector stands at its number', async () => {
  const all = await valuesOf(() => small().everyCode(), {}, { parameters });
  expect(all).toEqual([-1, 0, 2].flatMap((a) => [5, -5, 1].flatMap((b) => [a, b])));
});

test('counts say how many tokens have each code', async () => {
  const counts = () => small().counts(input('code', ['B', 2], 'int32'));
  const found = await valuesOf(counts, {
    code: ints([
      [2, 2],
      [8, 0],
    ]),
  });
  expect(found).toEqual([0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
});

test('softened counts are the counts, with a gradient towards the codes that score well', async () => {
  const feeds = {
    tokens: floats([
      [
        [-0.4, 1.2],
        [1.9, 4],
      ],
    ]),
  };
  const weights = x('weights', 9);
  const outputs = () => {
    const t = tokens();
    const { code } = small().quantize(t);
    const soft = small().softenedCounts(t, code);
    const flow = (of: Tensor) => gradients(of, [t])[0]!;
    return { soft, hard: small().counts(code), flow: flow(reduceSum(multiply(soft, weights))) };
  };
  const feed = { ...feeds, weights: floats([0, 0, 0, 0, 0, 1, 0, 0, 0]) };
  const { soft, hard, flow } = await run(outputs, feed, { parameters, training: true });
  soft.values.forEach((value, c) => {
    expect(value).toBeCloseTo(hard.values[c]!, 6);
  });
  // Code 5 is (0, 1): the first token is drawn from −0.4 towards 0.
  expect(flow.values[0]).toBeGreaterThan(0);
});
