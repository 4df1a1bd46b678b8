import { describe, expect, it } from 'vitest';
import { Random } from '../../random.js';
import { compile } from '../compile.js';
import { gradients } from '../gradient.js';
import { Program } from '../program.js';
import { apply, type Tensor } from '../tensor.js';
import { readOnnx } from '../testing/read-onnx.js';
import { add, multiply } from './arithmetic.js';
import { reduceSum } from './broadcast.js';
import { gather, planSource, scatterSumOp } from './gather.js';
import { input } from './leaves.js';
import { reshape } from './reshape.js';

const COUNT = 20_000;
const ROWS = 40;
const WIDTH = 16;

const random = Random.of(5);
const values = Float32Array.from({ length: COUNT * WIDTH }, () => random.normal());
// Half of the indices are one and the same row.
const indices = Int32Array.from({ length: COUNT }, () => (random.below(2) === 0 ? 7 : random.below(ROWS)));

function bruteForce(): Float64Array {
  const sums = new Float64Array(ROWS * WIDTH);
  for (let i = 0; i < COUNT; i++) {
    for (let j = 0; j < WIDTH; j++) sums[indices[i]! * WIDTH + j]! += values[i * WIDTH + j]!;
  }
  return sums;
}

const rows = input('values', ['P', WIDTH]);
const index = input('indices', ['P'], 'int32');
const like = input('like', ['N', 1]);
const feeds = {
  values: { data: values, shape: [COUNT, WIDTH] },
  indices: { data: indices, shape: [COUNT] },
  like: { data: new Float32Array(ROWS), shape: [ROWS, 1] },
};

describe.each<[string, Tensor]>([
  ['fed', index],
  ['computed', add(add(index, 1), -1)],
])('scatterSum by %s indices', (_, by) => {
  it('is exact and has the same bits in every run on two threads', async () => {
    const sum = apply(scatterSumOp, [rows, by, like]);
    const program = await Program.load(compile('test', { sum }), { threads: 2 });
    const prepared = program.prepare(feeds);
    const first = (await program.run(prepared)).sum!;
    expect(first.shape).toEqual([ROWS, WIDTH]);
    const exact = bruteForce();
    const worst = (first.data as Float32Array).reduce((most, value, i) => {
      return Math.max(most, Math.abs(value - exact[i]!) / Math.max(1, Math.abs(exact[i]!)));
    }, 0);
    expect(worst).toBeLessThan(by === index ? 1e-6 : 1e-4);
    for (let run = 0; run < 50; run++) {
      const again = (await program.run(prepared)).sum!.data as Float32Array;
      expect(Buffer.compare(Buffer.from(again.buffer), Buffer.from((first.data as Float32Array).buffer))).toBe(0);
    }
    await program.release();
  });
});

describe('the gradient of gather', () => {
  const x = input('x', ['N', 2]);
  const opsOf = (by: Tensor) => {
    const [g] = gradients(reduceSum(gather(x, by)), [x]);
    return readOnnx(compile('test', { g: g! }).onnx).nodes.map(({ op }) => op);
  };

  it('needs no scatter where the indices are fed', () => {
    expect(opsOf(index)).toContain('CumSum');
    expect(opsOf(reshape(input('pairs', ['B', 3], 'int32'), [-1]))).toContain('CumSum');
    expect(opsOf(add(index, 1))).toContain('ScatterElements');
  });

  it('sorts the indices of one feed once for each source', () => {
    const other = input('other', ['M', 3]);
    const loss = add(reduceSum(gather(x, index)), add(reduceSum(gather(x, index)), reduceSum(gather(other, index))));
    const [gx, gother] = gradients(loss, [x, other]);
    const { plans, inputs } = compile('test', { gx: gx!, gother: gother! });
    expect(plans.map(({ indices: by, rows: count }) => `${by} of ${count}`).sort()).toEqual([
      'indices of M',
      'indices of N',
    ]);
    expect(inputs.map(({ name }) => name).sort()).toEqual(['indices', 'other', 'x']);
  });

  it('names an index that lies outside', async () => {
    const [g] = gradients(reduceSum(multiply(gather(x, index), gather(x, index))), [x]);
    const program = await Program.load(compile('test', { g: g! }));
    const bad = { x: { data: new Float32Array(6), shape: [3, 2] }, indices: { data: Int32Array.of(0, 3), shape: [2] } };
    expect(() => program.prepare(bad)).toThrow('indices[1] is 3, but there are 3 rows');
  });
});

describe('planSource', () => {
  it('looks through reshapes to the feed', () => {
    expect(planSource(reshape(index, [-1, 1]))).toBe(index);
    expect(planSource(add(index, 1))).toBeUndefined();
  });
});

describe('scatterSum of several blocks', () => {
  const fewRows = input('values', ['P', 2]);
  const build = () =>
    apply(scatterSumOp, [
      input('a', ['P', 2]),
      input('by', ['T'], 'int32'),
      input('like', ['N', 1]),
      input('b', ['Q', 2]),
    ]);

  it('adds the rows of all of them by indices that follow each other', async () => {
    const program = await Program.load(compile('test', { sum: build() }));
    const { sum } = await program.call({
      a: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] },
      b: { data: Float32Array.of(10, 20), shape: [1, 2] },
      by: { data: Int32Array.of(2, 0, 2), shape: [3] },
      like: { data: new Float32Array(3), shape: [3, 1] },
    });
    expect([...(sum!.data as Float32Array)]).toEqual([3, 4, 0, 0, 11, 22]);
    await program.release();
  });

  it.each([
    ['all different', [2, 0, 1], [3, 4, 5, 6, 1, 2]],
    ['all the same', [1, 1, 1], [0, 0, 9, 12, 0, 0]],
  ])('sums by indices that are %s', async (_, by, expected) => {
    const program = await Program.load(compile('test', { sum: apply(scatterSumOp, [fewRows, index, like]) }));
    const { sum } = await program.call({
      values: { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] },
      indices: { data: Int32Array.from(by), shape: [3] },
      like: { data: new Float32Array(3), shape: [3, 1] },
    });
    expect([...(sum!.data as Float32Array)]).toEqual(expected);
    await program.release();
  });

  it('refuses to be differentiated instead of losing a gradient', () => {
    const sum = build();
    expect(() => gradients(reduceSum(sum), [sum.inputs[0]!])).toThrow('no gradient flows back into several blocks');
  });
});
