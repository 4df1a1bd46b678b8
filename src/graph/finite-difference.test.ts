import { describe, expect, it } from 'vitest';
import { Build, lookup, parameter, touchedRows } from './build.js';
import { checkGradients, compareGradients } from './finite-difference.js';
import * as ops from './ops/index.js';
import type { Tensor } from './tensor.js';
import { floats, ints } from './testing/run.js';

const x = ops.input('x', [3]);
const feeds = { x: floats([0.5, -1, 2]) };
/** tanh with a gradient that is off by `factor` in its element `at`. */
const wrong = (factor: number, at: number): Tensor => {
  const y = ops.tanh(x);
  const bent = ops.constant(
    [0, 1, 2].map((i) => (i === at ? factor : 1)),
    [3],
  );
  return ops.withGradient(y, [x], (g) => [ops.multiply(ops.multiply(g, ops.subtract(1, ops.square(y))), bent)]);
};

describe('checkGradients', () => {
  it('accepts a right gradient and leaves the feeds as they are', async () => {
    await checkGradients(wrong(1, 0), feeds);
    expect([...feeds.x.data]).toEqual([0.5, -1, 2]);
  });

  it.each([0, 1, 2])('finds an error of 3 % in element %i', async (at) => {
    await expect(checkGradients(wrong(1.03, at), feeds)).rejects.toThrow(`gradient of x[${at}] is`);
  });

  it('finds a gradient that is missing, one of the wrong sign, and one that is not a number', async () => {
    expect((await compareGradients(ops.stopGradient(ops.tanh(x)), feeds))!.error).toBeGreaterThan(1);
    expect((await compareGradients(wrong(-1, 1), feeds))!).toMatchObject({ leaf: 'x', index: 1 });
    expect((await compareGradients(wrong(Number.NaN, 2), feeds))!).toMatchObject({ index: 2, error: Infinity });
  });

  it('has nothing to say about a graph without float leaves', async () => {
    await expect(checkGradients(ops.constant([1], [1]), {})).rejects.toThrow('no gradient to check');
  });

  it('steps over the kink of a ReLU close by', async () => {
    await checkGradients(ops.relu(x), { x: floats([0.004, -0.004, 1]) });
  });

  it('sees the same random numbers on both sides', async () => {
    await checkGradients(ops.multiply(x, ops.random({ kind: 'normal' }, [3])), feeds);
  });

  it('looks at a sample of many elements', async () => {
    const many = ops.input('x', ['B']);
    const values = { x: floats(Array.from({ length: 500 }, (_, i) => Math.cos(i))) };
    await checkGradients(ops.tanh(many), values, { maxElements: 20 });
  });

  it('covers parameters and the touched rows of tables', async () => {
    const score = (bend: number) =>
      new Build(true).run(() => {
        const rows = lookup('item', 5, 2, ops.input('ids', ['B'], 'int32'), (shape) => new Float32Array(shape[0]! * 2));
        const bent = ops.withGradient(rows, [rows], (g) => [ops.multiply(g, bend)]);
        return ops.matMul(
          bent,
          parameter('weight', [2, 1], () => new Float32Array(2)),
        );
      });
    const table = 'tables/item';
    const values = {
      [table]: floats([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [5, 2]),
      [touchedRows(table)]: ints([4, 1]),
      [`${table}@ids`]: ints([0, 1, 0]),
      weight: floats([2, -3], [2, 1]),
    };
    await checkGradients(score(1), values);
    expect(await compareGradients(score(2), values)).toMatchObject({ leaf: table });
  });
});
