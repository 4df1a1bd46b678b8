import { describe, expect, it } from 'vitest';
import { TwoTowerError } from '../errors.js';
import type { Feeds } from '../schema.js';
import { compile } from './compile.js';
import * as ops from './ops/index.js';
import { Program } from './program.js';
import { floats, ints } from './testing/run.js';

const x = ops.input('x', ['B', 2]);
const label = ops.input('label', ['B']);
const rows = ops.input('rows', ['P'], 'int32');
const program = Program.load(
  compile('test', { sum: ops.reduceSum(ops.gather(ops.add(x, ops.expandDims(label, -1)), rows), -1) }),
);
const good = (): Feeds => ({ x: floats([1, 2, 3, 4], [2, 2]), label: floats([10, 20]), rows: ints([1, 1, 0]) });

describe('Program', () => {
  it('runs with one row and with many', async () => {
    const loaded = await program;
    expect((await loaded.run(loaded.prepare(good()))).sum).toEqual({ data: Float32Array.of(47, 47, 23), shape: [3] });
    const one = { x: floats([1, 2], [1, 2]), label: floats([1]), rows: ints([0]) };
    expect((await loaded.run(loaded.prepare(one))).sum).toEqual({ data: Float32Array.of(5), shape: [1] });
    const none = { ...one, rows: ints([]) };
    expect((await loaded.run(loaded.prepare(none))).sum!.shape).toEqual([0]);
  });

  it('writes into a buffer given beforehand', async () => {
    const loaded = await program;
    const buffer = new Float32Array(3);
    const { sum } = await loaded.run(loaded.prepare(good()), { sum: { data: buffer, shape: [3] } });
    expect([...buffer]).toEqual([47, 47, 23]);
    expect(sum!.data).toBe(buffer);
  });

  it('leaves nothing to the garbage collector where buffers are given', async () => {
    const doubled = await Program.load(compile('test', { doubled: ops.multiply(x, 2) }));
    const [fed, buffer] = [new Float32Array(2e6), new Float32Array(2e6)];
    const prepared = doubled.prepare({ x: { data: fed, shape: [1e6, 2] } });
    const { external } = process.memoryUsage();
    for (let i = 0; i < 5; i++) await doubled.run(prepared, { doubled: { data: buffer, shape: [1e6, 2] } });
    expect(process.memoryUsage().external - external).toBeLessThan(buffer.byteLength);
  });

  it('reads a fed array when it runs, not when it is prepared', async () => {
    const loaded = await program;
    const feeds = good();
    const prepared = loaded.prepare(feeds);
    feeds.label!.data[1] = 0;
    expect([...(await loaded.run(prepared)).sum!.data]).toEqual([7, 7, 23]);
  });

  it('ignores what is fed beyond its inputs', async () => {
    expect((await (await program).call({ ...good(), other: floats([1]) })).sum!.shape).toEqual([3]);
  });

  it.each<[string, Feeds, string]>([
    ['a missing feed', { x: floats([1, 2], [1, 2]), rows: ints([0]) }, 'input label is not fed'],
    ['a misspelled one', { ...good(), label: undefined!, lable: floats([1, 2]) }, 'did you mean "lable"?'],
    ['another type', { ...good(), rows: floats([0, 1]) }, 'input rows wants int32, fed Float32Array'],
    [
      'another number of axes',
      { ...good(), label: floats([1, 2], [2, 1]) },
      'input label wants [B] with B=2, fed [2, 1]',
    ],
    ['another size', { ...good(), x: floats([1, 2, 3, 4, 5, 6], [2, 3]) }, 'input x wants [B, 2] with B=2, fed [2, 3]'],
    ['one name with two sizes', { ...good(), label: floats([1, 2, 3]) }, 'input label wants [B] with B=2, fed [3]'],
    ['too few values', { ...good(), x: floats([1, 2, 3], [2, 2]) }, 'input x is fed 3 values for [2, 2]'],
  ])('refuses %s', async (_, feeds, message) => {
    const loaded = await program;
    expect(() => loaded.prepare(feeds)).toThrow(message);
    expect(() => loaded.prepare(feeds)).toThrow(TwoTowerError);
  });

  it('works out a named size from a multiple of it', async () => {
    const folded = ops.reshape(ops.input('x', ['3*B']), ['B', 3]);
    const loaded = await Program.load(compile('test', { folded }));
    expect((await loaded.call({ x: floats([1, 2, 3, 4, 5, 6]) })).folded!.shape).toEqual([2, 3]);
    expect(() => loaded.prepare({ x: floats([1, 2, 3, 4]) })).toThrow('input x wants [3*B], fed [4]');
  });

  it('asks for a stream where the graph draws random numbers', async () => {
    const noisy = ops.add(x, ops.random({ kind: 'normal' }, ['B', 2]));
    const loaded = await Program.load(compile('test', { noisy }));
    expect(() => loaded.prepare(good())).toThrow('needs a stream to draw from');
  });
});
