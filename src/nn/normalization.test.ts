import { describe, expect, test } from 'vitest';
import { Build, compile, Program, relu } from '../graph/index.js';
import { batchNorm, layerNorm } from './normalization.js';
import { expectClose } from './testing/expect-close.js';
import { checkGradients } from './testing/gradient-check.js';
import { parameterFeeds, valuesOf, x } from './testing/run.js';
import { floats, uneven } from './testing/values.js';

const wide = () => x('x', 'B', 2);
/** Columns with means 2 and 10, variances 1 and 16. */
const feeds = {
  x: floats([
    [1, 6],
    [3, 14],
  ]),
};

describe('batchNorm', () => {
  const parameters = { 'n/scale': [2, 1], 'n/shift': [0, 5], 'n/mean': [3, 0], 'n/variance': [4, 0.25] };

  test('training takes mean and variance of the batch', async () => {
    const y = await valuesOf(() => batchNorm('n', wide(), { epsilon: 0 }), feeds, { training: true, parameters });
    expectClose(y, [-2, 4, 2, 6]);
    const bare = () => batchNorm('n', wide(), { epsilon: 0, affine: false });
    expectClose(await valuesOf(bare, feeds, { training: true }), [-1, -1, 1, 1]);
    // Variance 1 and an epsilon of 3: half of everything.
    const soft = () => batchNorm('n', x('x', 'B', 1), { epsilon: 3, affine: false });
    expectClose(await valuesOf(soft, { x: floats([[1], [3]]) }, { training: true }), [-0.5, 0.5]);
  });

  test('what has more axes is as many rows', async () => {
    const long = { x: uneven([6, 2]) };
    const deep = { x: { ...long.x, shape: [3, 2, 2] } };
    for (const training of [true, false]) {
      const flat = await valuesOf(() => batchNorm('n', wide()), long, { training, parameters });
      expect(await valuesOf(() => batchNorm('n', x('x', 'B', 2, 2)), deep, { training, parameters })).toEqual(flat);
    }
  });

  test('serving takes the running ones, so that rows do not depend on each other', async () => {
    const make = () => batchNorm('n', wide(), { epsilon: 0 });
    expectClose(await valuesOf(make, feeds, { parameters }), [-2, 17, 0, 33]);
    expectClose(await valuesOf(make, { x: floats([[3, 14]]) }, { parameters }), [0, 33]);
  });

  test('the step moves running statistics by a share, the variance unbiased; a single row has none', async () => {
    const moved = async (values: number[][], momentum?: number) => {
      const build = new Build(true);
      build.run(() => batchNorm('n', wide(), momentum === undefined ? {} : { momentum }));
      const updates = Object.fromEntries([...build.updates].map(([name, tensor]) => [`new ${name}`, tensor]));
      const program = await Program.load(compile('updates', updates), { threads: 1 });
      const results = await program.call({ x: floats(values), ...parameterFeeds(build, parameters) });
      await program.release();
      return [...results['new n/mean']!.data, ...results['new n/variance']!.data].map(Number);
    };
    const rows = [
      [1, 6],
      [3, 14],
    ];
    expectClose(await moved(rows), [2.9, 1, 0.9 * 4 + 0.1 * 2, 0.9 * 0.25 + 0.1 * 32]);
    expectClose(await moved(rows, 0.5), [2.5, 5, 3, 16.125]);
    expectClose(await moved([[5, 5]]), [3.2, 0.5, 3.6, 0.225]);
  });

  test('gradients of the written-out form, with and without scale and shift', async () => {
    const values = { x: uneven([5, 3]) };
    const options = { training: true, wrt: ['x', 'n/scale', 'n/shift'] };
    await checkGradients(() => batchNorm('n', x('x', 'B', 3)), values, options);
    await checkGradients(() => batchNorm('n', x('x', 'B', 3), { affine: false }), values, options);
    await checkGradients(() => relu(batchNorm('n', x('x', 'B', 3), { epsilon: 0.5 })), values, options);
    const serving = { parameters: { 'n/mean': [0.1, -0.2, 0.3], 'n/variance': [0.5, 1, 2] } };
    await checkGradients(() => batchNorm('n', x('x', 'B', 3)), values, serving);
  });

  test('a column far from zero keeps its digits', async () => {
    const column = [1000.5, 1001, 999, 999.5];
    const y = await valuesOf(
      () => batchNorm('n', x('x', 'B', 1), { affine: false }),
      { x: floats(column.map((value) => [value])) },
      { training: true },
    );
    const deviation = Math.sqrt(0.625 + 1e-5);
    y.forEach((value, i) => {
      expect(value).toBeCloseTo((column[i]! - 1000) / deviation, 3);
    });
  });
});

describe('layerNorm', () => {
  test('every row by itself', async () => {
    const make = () => layerNorm('n', wide(), { epsilon: 0 });
    expectClose(await valuesOf(make, feeds), [-1, 1, -1, 1]);
    const parameters = { 'n/scale': [2, 3], 'n/shift': [0, 5] };
    expectClose(await valuesOf(make, feeds, { parameters }), [-2, 8, -2, 8]);
    expectClose(await valuesOf(() => layerNorm('n', wide(), { affine: false }), { x: floats([[7, 7]]) }), [0, 0]);
  });

  test('gradients', async () => {
    await checkGradients(() => layerNorm('n', x('x', 'B', 3)), { x: uneven([4, 3]) });
    await checkGradients(() => layerNorm('n', x('x', 'B', 2, 3), { affine: false }), { x: uneven([2, 2, 3]) });
  });
});
