import { expect, test } from 'vitest';
import { cosine, innerProduct, maxSim } from './similarity.js';
import { expectClose } from './testing/expect-close.js';
import { checkGradients } from './testing/gradient-check.js';
import { run, valuesOf, x } from './testing/run.js';
import { floats, uneven } from './testing/values.js';

test('inner product and cosine; a zero vector is like nothing', async () => {
  const feeds = {
    a: floats([[3, 4]]),
    b: floats([
      [4, 3],
      [-6, -8],
      [0, 0],
    ]),
  };
  const { inner, angle } = await run(
    () => ({ inner: innerProduct(x('a', 1, 2), x('b', 'N', 2)), angle: cosine(x('a', 1, 2), x('b', 'N', 2)) }),
    feeds,
  );
  expect(inner.values).toEqual([24, -50, 0]);
  expectClose(angle.values, [0.96, -1, 0]);
});

test('each head of the user takes its best head of the item', async () => {
  // Products (1·2, 1·−3) and (−2·2, −2·−3): 2 and 6.
  const feeds = {
    u: floats([[[1], [-2]]]),
    v: floats([
      [[2], [-3]],
      [[1], [1]],
    ]),
  };
  expect(await valuesOf(() => maxSim(x('u', 1, 2, 1), x('v', 'N', 2, 1)), feeds)).toEqual([8, -1]);
  expect(await valuesOf(() => maxSim(x('u', 1, 2, 1), x('v', 'N', 2, 1), { cosine: true }), feeds)).toEqual([2, 0]);
});

test('one user against many items as if repeated for each', async () => {
  const feeds = { u: uneven([1, 3, 4]), v: uneven([2, 2, 4], 2) };
  const repeated = { ...feeds, u: { data: new Float32Array([...feeds.u.data, ...feeds.u.data]), shape: [2, 3, 4] } };
  const one = await valuesOf(() => maxSim(x('u', 1, 3, 4), x('v', 'N', 2, 4), { cosine: true }), feeds);
  const each = await valuesOf(() => maxSim(x('u', 'N', 3, 4), x('v', 'N', 2, 4), { cosine: true }), repeated);
  expectClose(one, each);
});

test.each([1, 'N'])('gradients with leading axis %s', async (lead) => {
  const feeds = { u: uneven([lead === 1 ? 1 : 2, 3, 2]), v: uneven([2, 2, 2], 5) };
  await checkGradients(() => maxSim(x('u', lead, 3, 2), x('v', 'N', 2, 2), { cosine: true }), feeds);
});
