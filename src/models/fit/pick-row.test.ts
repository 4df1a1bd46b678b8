import { expect, test } from 'vitest';
import { gather, input } from '../../graph/index.js';
import { run, x } from '../../nn/testing/run.js';
import { floats, ints } from '../../nn/testing/values.js';
import { pickRow } from './pick-row.js';

/** Tables of three rows of two numbers: table t, row r holds [10t + r, −(10t + r)]. */
const tables = (count: number) =>
  floats(Array.from({ length: count }, (_, t) => [0, 1, 2].map((r) => [10 * t + r, -(10 * t + r)])));
const index = () => input('index', ['C'], 'int32');

test('every candidate picks from its own table', async () => {
  const feeds = { tables: tables(4), index: ints([2, 0, 1, 2]) };
  const { y } = await run(() => ({ y: pickRow(x('tables', 'C', 3, 2), index()) }), feeds);
  expect(y.shape).toEqual([4, 2]);
  expect(y.values.filter((_, i) => i % 2 === 0)).toEqual([2, 10, 21, 32]);
  expect(y.values.filter((_, i) => i % 2 === 1)).toEqual([-2, -10, -21, -32]);
});

test('all candidates pick from one table', async () => {
  const feeds = { tables: tables(1), index: ints([2, 0, 1, 2]) };
  const { y } = await run(() => ({ y: pickRow(x('tables', 1, 3, 2), index()) }), feeds);
  expect(y.values.filter((_, i) => i % 2 === 0)).toEqual([2, 0, 1, 2]);
});

test('tables that are gathered need not be copied first', async () => {
  const feeds = { tables: tables(2), request: ints([1, 0, 1]), index: ints([0, 2, 2]) };
  const { y } = await run(() => {
    const gathered = gather(x('tables', 'B', 3, 2), input('request', ['C'], 'int32'));
    const picked = pickRow(gathered, index());
    expect(picked.inputs[0]!.shape).toEqual(['3*B', 2]);
    return { y: picked };
  }, feeds);
  expect(y.values.filter((_, i) => i % 2 === 0)).toEqual([10, 2, 12]);
});
