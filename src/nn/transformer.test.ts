import { expect, test } from 'vitest';
import { input, multiply } from '../graph/index.js';
import { expectClose } from './testing/expect-close.js';
import { checkGradients } from './testing/gradient-check.js';
import { valuesOf, x } from './testing/run.js';
import { bools, floats, uneven } from './testing/values.js';
import { type TransformerOptions, transformerLayer } from './transformer.js';

const layer = (options: Partial<TransformerOptions> = {}) =>
  transformerLayer('t', x('s', 'B', 3, 4), { heads: 2, feedForward: 5, activation: 'gelu', ...options });

const silent = {
  't/attention/output/weight': new Array(16).fill(0),
  't/feedForward/output/weight': new Array(20).fill(0),
};

test('pre-norm with silent parts is the identity, post-norm normalises', async () => {
  const s = floats([
    [
      [1, 2, 3, 4],
      [5, 5, 5, 9],
      [0, 0, 2, 2],
    ],
  ]);
  const pre = await valuesOf(() => layer({ normalization: 'pre' }), { s }, { parameters: silent });
  expectClose(pre, s.data);
  const post = await valuesOf(() => layer({ normalization: 'post' }), { s }, { parameters: silent });
  // (0, 0, 2, 2) has mean 1 and deviation 1.
  expectClose(post.slice(8), [-1, -1, 1, 1], 3);
});

test('a padded position does not reach the others', async () => {
  const keys = bools([[1, 1, 0]]);
  const make = () => layer({ keys: input('keys', ['B', 3], 'bool') });
  const s = uneven([1, 3, 4]);
  const other = { data: s.data.map((value, i) => (i < 8 ? value : value + 7)), shape: s.shape };
  const [a, b] = [await valuesOf(make, { s, keys }), await valuesOf(make, { s: other, keys })];
  expect(b.slice(0, 8)).toEqual(a.slice(0, 8));
  expect(b.slice(8)).not.toEqual(a.slice(8));
});

test('another network may stand for the feed-forward part', async () => {
  const s = floats([
    [
      [1, 2, 3, 4],
      [5, 5, 5, 9],
      [0, 0, 2, 2],
    ],
  ]);
  const parameters = { 't/attention/output/weight': new Array(16).fill(0) };
  const y = await valuesOf(() => layer({ feedForward: (h) => multiply(h, 10) }), { s }, { parameters });
  // x + 10·(x − 1) for the last position.
  expectClose(y.slice(8), [-10, -10, 12, 12], 2);
});

test.each(['pre', 'post'] as const)('gradients, %s-norm', async (normalization) => {
  await checkGradients(() => layer({ normalization }), { s: uneven([2, 3, 4]) });
});

test('dropout is random while training only', async () => {
  const make = () => layer({ dropout: 0.5 });
  const s = uneven([1, 3, 4]);
  const serving = await valuesOf(make, { s });
  expect(serving).toEqual(await valuesOf(() => layer(), { s }));
  expect(await valuesOf(make, { s }, { training: true })).not.toEqual(serving);
});
