import { describe, expect, it } from 'vitest';
import { Random } from '../random.js';
import { Build, parameter } from './build.js';
import { compile } from './compile.js';
import { gradients } from './gradient.js';
import { encodeModel, OPSET } from './onnx.js';
import * as ops from './ops/index.js';
import { Program } from './program.js';
import { inScope } from './scope.js';
import type { Tensor } from './tensor.js';
import { readOnnx } from './testing/read-onnx.js';
import { floats, run } from './testing/run.js';

const x = ops.input('x', ['B', 2]);
const opsOf = (outputs: Record<string, Tensor>) => readOnnx(compile('test', outputs).onnx).nodes.map(({ op }) => op);
const count = (outputs: Record<string, Tensor>, op: string) => opsOf(outputs).filter((name) => name === op).length;

/** A graph of many ops and its gradient. */
function everything(): Record<string, Tensor> {
  return new Build(true).run(() => {
    const weight = inScope('tower', () =>
      parameter('weight', [2, 3], (shape) => new Float32Array(shape[0]! * shape[1]!)),
    );
    const hidden = inScope('tower', () => ops.relu(ops.matMul(x, weight)));
    const picked = ops.gather(hidden, ops.input('rows', ['P'], 'int32'));
    const loss = ops.reduceMean(ops.square(ops.logSoftmax(ops.standardize(picked))));
    const [flow] = gradients(loss, [weight]);
    return { loss, flow: flow!, top: ops.topK(hidden, 2) };
  });
}

describe('the ONNX file', () => {
  const file = readOnnx(compile('everything', everything(), { metadata: { task: 'click' } }).onnx);

  it('declares the operator set it was written for and uses no other', () => {
    expect(file.opsets).toEqual([{ domain: '', version: OPSET }]);
    expect(file.irVersion).toBe(10);
    expect(new Set(file.nodes.map(({ domain }) => domain))).toEqual(new Set(['']));
    expect(file.metadata).toEqual({ task: 'click' });
  });

  it('names every node and every value once', () => {
    const names = file.nodes.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const values = [
      ...file.inputs,
      ...file.initializers,
      ...file.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== '')),
    ];
    expect(new Set(values).size).toBe(values.length);
  });

  it('lists nodes after what they use', () => {
    const known = new Set([...file.inputs, ...file.initializers]);
    for (const { inputs, outputs } of file.nodes) {
      for (const name of inputs) expect(known).toContain(name);
      for (const name of outputs) known.add(name);
    }
    for (const name of file.outputs) expect(known).toContain(name);
  });

  it('says in a node name where in the model it belongs', () => {
    expect(file.nodes.map(({ name }) => name.replace(/_\d+$/, ''))).toEqual(
      expect.arrayContaining(['tower/MatMul', 'tower/Relu', 'gradient/tower/Gemm']),
    );
  });

  it.each([1, 5])('loads and runs with %i rows', async (rows) => {
    const values = Float32Array.from({ length: rows * 2 }, (_, i) => Math.sin(i));
    const feeds = {
      x: { data: values, shape: [rows, 2] },
      rows: { data: new Int32Array(rows + 1), shape: [rows + 1] },
      'tower/weight': floats([1, 2, 3, 3, 2, 1], [2, 3]),
    };
    const results = await run(everything(), feeds);
    expect(results.top!.shape).toEqual([rows, 2]);
    expect(results.flow!.data.every((value) => Number.isFinite(Number(value)))).toBe(true);
  });

  it('has the same bytes for the same graph', () => {
    expect(compile('everything', everything()).onnx).toEqual(compile('everything', everything()).onnx);
  });
});

describe('equal subexpressions', () => {
  it('become one', () => {
    const square = () => ops.tanh(ops.multiply(x, ops.scalar(2)));
    expect(opsOf({ y: ops.add(square(), square()) })).toEqual(['Mul', 'Tanh', 'Add', 'Identity']);
  });

  it('stay apart where an attribute, a type or an operand differs', () => {
    expect(count({ a: ops.reduceMax(x, 0), b: ops.reduceMax(x, 1), c: ops.reduceMax(x, 0, true) }, 'ReduceMax')).toBe(
      3,
    );
    expect(count({ a: ops.subtract(x, 1), b: ops.subtract(1, x) }, 'Sub')).toBe(2);
    expect(count({ a: ops.cast(x, 'int32'), b: ops.cast(x, 'int64') }, 'Cast')).toBe(2);
  });

  it('are seen through tensors that only pass a value on', () => {
    const outputs = {
      a: ops.tanh(x),
      b: ops.tanh(ops.stopGradient(x)),
      c: ops.tanh(ops.withGradient(x, [x], (g) => [g])),
    };
    expect(count(outputs, 'Tanh')).toBe(1);
  });

  it('keep numbers apart that JSON does not', async () => {
    const values = [0, -0, Infinity, -Infinity, Number.NaN].map((value) => ops.scalar(value));
    const results = await run(Object.fromEntries(values.map((value, i) => [`y${i}`, ops.reciprocal(value)])));
    expect(values.map((_, i) => results[`y${i}`]!.data[0])).toEqual([Infinity, -Infinity, 0, -0, Number.NaN]);
  });

  it('are not repeated in memory where broadcasting does it', () => {
    const other = ops.input('other', ['B', 2]);
    const [g] = gradients(ops.reduceSum(ops.tanh(ops.reduceSum(ops.multiply(x, other), -1))), [x]);
    expect(count({ g: g! }, 'Expand')).toBe(0);
  });

  it('leave random numbers alone', async () => {
    const mask = () => ops.random({ kind: 'uniform' }, [8]);
    const { a, b } = await run({ a: mask(), b: mask() }, {}, Random.of(1));
    expect(a!.data).not.toEqual(b!.data);
  });
});

describe('compile', () => {
  it('gives one value two names, and an input another', async () => {
    const doubled = ops.multiply(x, 2);
    const results = await run({ a: doubled, b: doubled, c: x }, { x: floats([1, 2], [1, 2]) });
    expect([results.a!.data, results.b!.data, results.c!.data].map((data) => [...data])).toEqual([
      [2, 4],
      [2, 4],
      [1, 2],
    ]);
  });

  it('refuses an output named like an input', () => {
    expect(() => compile('test', { x: ops.tanh(x) })).toThrow('x names both an input and an output');
  });

  it('refuses one input with two shapes or types', () => {
    expect(() => compile('test', { y: ops.reduceSum(x), z: ops.input('x', ['B', 3]) })).toThrow(
      'input x is wanted as float32[B, 3] and as float32[B, 2]',
    );
    expect(() => compile('test', { y: x, z: ops.input('x', ['B', 2], 'int32') })).toThrow(
      'int32[B, 2] and as float32[B, 2]',
    );
  });

  it('writes parameters into the file, or reads them as it is told', async () => {
    const build = new Build(false);
    const y = build.run(() =>
      ops.add(
        x,
        parameter('shift', [2], () => new Float32Array(2)),
      ),
    );
    const feeds = { x: floats([1, 2], [1, 2]) };
    const embedded = compile('test', { y }, { embed: () => Float32Array.of(10, 20) });
    expect(embedded.inputs.map(({ name }) => name)).toEqual(['x']);
    expect([...(await (await Program.load(embedded)).call(feeds)).y!.data]).toEqual([11, 22]);
    const read = compile('test', { y }, { read: (_, emit) => emit.constant('float32', [2], [5, 6]) });
    expect([...(await (await Program.load(read)).call(feeds)).y!.data]).toEqual([6, 8]);
  });
});

describe('encodeModel', () => {
  it('marks how many bytes of a view are meant', () => {
    const backing = Float32Array.of(1, 2, 3, 4);
    const bytes = new Uint8Array(backing.buffer, 4, 8);
    const initializers = new Map([['w', { dtype: 'float32' as const, dims: [2], bytes }]]);
    const file = encodeModel({ name: 'm', nodes: [], inputs: [], outputs: [], initializers });
    expect(readOnnx(file).initializers).toEqual(['w']);
    expect(Buffer.from(file).includes(Buffer.from(bytes))).toBe(true);
    expect(Buffer.from(file).includes(Buffer.from(backing.buffer))).toBe(false);
  });
});

it('writes the steps of a scan down once, and two scans apart', () => {
  const sum = (steps: number) =>
    ops.scan(x, [ops.input(`rows${steps}`, [steps, 2])], (carry, row) => ops.add(ops.relu(carry), row));
  expect(opsOf({ y: sum(3) })).toEqual(['Scan', 'Identity']);
  expect(count({ y: sum(3), z: sum(50) }, 'Scan')).toBe(2);
  // Equal scans too: each has steps of its own.
  expect(count({ y: sum(3), z: sum(3) }, 'Scan')).toBe(2);
});

it('refuses a scan whose steps change the shape or the type', () => {
  const rows = ops.input('rows', [3, 2]);
  expect(() => ops.scan(x, [rows], (carry) => ops.reduceSum(carry))).toThrow(
    'scan(float32[B, 2], float32[3, 2]): a step makes float32[] of it',
  );
  expect(() => ops.scan(x, [rows], (carry) => ops.cast(carry, 'int32'))).toThrow('a step makes int32[B, 2] of it');
});
