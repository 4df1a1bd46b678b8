import type { Code } from '../../assembler.js';
import { exponential } from './exponential.js';
import type { GraphNode } from './onnx-graph.js';
import { type Scoring, type Tensor, Unfit } from './tensors.js';
import { broadcast, countOf, cut, divisor, each, jointShape, LANES, nested, transposed, type View } from './views.js';

/** A block of a matrix product that is summed in registers: so many rows and columns. */
const ROWS = 2;
const COLUMNS = 4;
/**
 * Values of a sum, or a maximum, that are written out one after the other. V8 loads all that a stretch of code without loops reads before it
 * adds anything up, so that longer ones run out of registers; and one sum alone would wait for each addition to end.
 */
const SUMS = 4;

export interface Operands {
  scoring: Scoring;
  node: GraphNode;
  inputs: Tensor[];
  /** Values of an input that is a list of whole numbers, such as axes. */
  list(at: number): number[];
}

/** The operators that are known, by their ONNX name: standard semantics (operator set 21). */
export const OPERATORS: Readonly<Record<string, (operands: Operands) => Tensor>> = {
  Identity: ({ inputs }) => inputs[0]!,
  Add: binary((code) => code.simd('add')),
  Sub: binary((code) => code.simd('subtract')),
  Mul: binary((code) => code.simd('multiply')),
  Div: binary((code) => code.simd('divide')),
  Sqrt: unary((code) => code.simd('sqrt')),
  Relu: unary((code) => code.float(0).simd('larger')),
  Reshape: ({ scoring, inputs, list }) => scoring.reshape(inputs[0]!, wantedShape(inputs[0]!.shape, list(1))),
  Transpose({ scoring, node, inputs }) {
    const view = transposed(scoring.viewOf(inputs[0]!), node.attributes.get('perm') as number[]);
    return { shape: view.shape, view };
  },
  ReduceSum: reduction('add'),
  ReduceMax: reduction('max'),
  MatMul: ({ scoring, inputs: [a, b] }) => product(scoring, scoring.viewOf(a!), scoring.viewOf(b!)),
  Gemm({ scoring, node: { attributes }, inputs: [a, b, c] }) {
    for (const name of ['alpha', 'beta']) if ((attributes.get(name) ?? 1) !== 1) throw new Unfit(`Gemm with ${name}`);
    const side = (tensor: Tensor, flag: string) => {
      const view = scoring.viewOf(tensor);
      return attributes.get(flag) === 1 ? transposed(view, [1, 0]) : view;
    };
    const sums = product(scoring, side(a!, 'transA'), side(b!, 'transB'));
    return c === undefined ? sums : sum(sums, c);
  },
  Softmax: softmax,
  LayerNormalization: layerNormalization,
};

function binary(emit: (code: Code) => void): (operands: Operands) => Tensor {
  return ({ inputs: [a, b] }) => elementwise(emit, a!, b!);
}

function unary(emit: (code: Code) => void): (operands: Operands) => Tensor {
  return ({ inputs: [x] }) => elementwise(emit, x!);
}

function elementwise(emit: (code: Code) => void, ...inputs: Tensor[]): Tensor {
  let shape: readonly number[] | undefined = [];
  for (const input of inputs) shape = shape && jointShape(shape, input.shape);
  if (shape === undefined) throw new Unfit('shapes that do not broadcast');
  return { shape, formula: { inputs, emit } };
}

const sum = (a: Tensor, b: Tensor) => elementwise((code) => code.simd('add'), a, b);

function wantedShape(shape: readonly number[], wanted: readonly number[]): number[] {
  const kept = wanted.map((size, axis) => (size === 0 ? shape[axis]! : size));
  const known = kept.filter((size) => size !== -1);
  return kept.map((size) => (size === -1 ? countOf(shape) / countOf(known) : size));
}

function reduction(operation: 'add' | 'max'): (operands: Operands) => Tensor {
  return ({ scoring, node, inputs: [x], list }) => {
    const { code } = scoring;
    const rank = x!.shape.length;
    const reduced = list(1).map((axis) => (axis + rank) % rank);
    const kept = x!.shape.map((_, axis) => axis).filter((axis) => !reduced.includes(axis));
    const keeps = node.attributes.get('keepdims') !== 0;
    const shape = x!.shape.flatMap((size, axis) => (!reduced.includes(axis) ? [size] : keeps ? [1] : []));
    const leaves = scoring.leaves(x!, x!.shape).map((view) => transposed(view, [...kept, ...reduced]));
    const target = scoring.room(shape, LANES);
    const rows = kept.map((axis) => x!.shape[axis]!);
    const results = { ...target, shape: rows, strides: target.strides.filter((_, i) => !keeps || kept.includes(i)) };
    const sums = Array.from({ length: SUMS }, () => code.local('v128'));
    nested(code, [results, ...leaves], kept.length, ([to, ...from]) => {
      for (const sum of sums) code.float(operation === 'add' ? 0 : Number.NEGATIVE_INFINITY).set(sum);
      each(code, from, SUMS, (places, at) => {
        code.get(sums[at]!);
        scoring.element(x!, places);
        code.simd(operation).set(sums[at]!);
      });
      scoring.store(to!, () => {
        code.get(sums[0]!);
        for (const other of sums.slice(1)) code.get(other).simd(operation);
      });
    });
    return { shape, view: target };
  };
}

/** a [..., m, k] · b [..., k, n] → [..., m, n]; what stands before the last two axes broadcasts. */
function product(scoring: Scoring, a: View, b: View): Tensor {
  if (a.shape.length < 2 || b.shape.length < 2) throw new Unfit('a product of vectors');
  const [m, k] = a.shape.slice(-2) as [number, number];
  const n = b.shape.at(-1)!;
  const batch = jointShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (batch === undefined || b.shape.at(-2) !== k) throw new Unfit('shapes that do not fit');
  scoring.products += countOf(batch) * m * k * n;
  // What is read once serves a block of results: r rows of a, c columns of b.
  const r = divisor(m, ROWS);
  const c = divisor(n, COLUMNS);
  const target = scoring.room([...batch, m, n], LANES);
  const axis = batch.length;
  // All of them as [..., m / r, n / c, and what of it makes a block].
  const results = transposed(cut(cut(target, axis + 1, c), axis, r), swapped(axis, 0, 2, 1, 3));
  const left = cut(broadcast(a, [...batch, m, k]), axis, r);
  const rows = repeated(transposed(left, swapped(axis, 0, 2, 1)), axis + 1, n / c);
  const right = cut(broadcast(b, [...batch, k, n]), axis + 1, c);
  const columns = repeated(transposed(right, swapped(axis, 1, 0, 2)), axis, m / r);
  const { code } = scoring;
  const values = Array.from({ length: r }, () => code.local('v128'));
  const factor = code.local('v128');
  const sums = Array.from({ length: r * c }, () => code.local('v128'));
  nested(code, [results, rows, columns], axis + 2, ([to, row, column]) => {
    for (const sum of sums) code.float(0).set(sum);
    nested(code, [row!, column!], 1, ([ofRow, ofColumn]) => {
      each(code, [ofRow!], r, ([place], y) => {
        scoring.load(place!);
        code.set(values[y]!);
      });
      each(code, [ofColumn!], c, ([place], x) => {
        scoring.load(place!);
        code.set(factor);
        values.forEach((value, y) => {
          const sum = sums[y * c + x]!;
          code.get(sum).get(value).get(factor).simd('multiply').simd('add').set(sum);
        });
      });
    });
    each(code, [to!], r * c, ([place], at) => scoring.store(place!, () => code.get(sums[at]!)));
  });
  return { shape: target.shape, view: target };
}

/** The order in which the axes behind the first ones are taken. */
function swapped(before: number, ...behind: number[]): number[] {
  return [...Array.from({ length: before }, (_, axis) => axis), ...behind.map((axis) => before + axis)];
}

/** One more axis, along which nothing changes. */
function repeated(view: View, axis: number, times: number): View {
  return { ...view, shape: view.shape.toSpliced(axis, 0, times), strides: view.strides.toSpliced(axis, 0, 0) };
}

/** Of the last axis. */
function softmax({ scoring, node, inputs: [x] }: Operands): Tensor {
  const { code } = scoring;
  const { shape } = x!;
  refuseOtherAxes(node, shape);
  const source = scoring.viewOf(x!);
  const target = scoring.room(shape, LANES);
  const locals = Array.from({ length: 4 }, () => code.local('v128'));
  const [largest, total, value, power] = locals as [number, number, number, number];
  nested(code, [target, source], shape.length - 1, ([to, from]) => {
    code.float(Number.NEGATIVE_INFINITY).set(largest).float(0).set(total);
    each(code, [from!], SUMS, ([logit]) => {
      scoring.load(logit!);
      code.get(largest).simd('max').set(largest);
    });
    each(code, [to!, from!], SUMS, ([place, logit]) => {
      scoring.store(place!, () => {
        scoring.load(logit!);
        code.get(largest).simd('subtract');
        exponential(code, value, power);
        code.tee(value);
      });
      code.get(value).get(total).simd('add').set(total);
    });
    code.float(1).get(total).simd('divide').set(total);
    each(code, [to!], SUMS, ([place]) =>
      scoring.store(place!, () => {
        scoring.load(place!);
        code.get(total).simd('multiply');
      }),
    );
  });
  return { shape, view: target };
}

/** Of the last axis, with scale and shift. */
function layerNormalization({ scoring, node, inputs: [x, scale, shift] }: Operands): Tensor {
  const { code } = scoring;
  const { shape } = x!;
  refuseOtherAxes(node, shape);
  const part = 1 / shape.at(-1)!;
  const epsilon = Number(node.attributes.get('epsilon') ?? 1e-5);
  const leaves = scoring.leaves(x!, shape);
  const [slopes, levels] = [scale!, shift!].map((one) => broadcast(scoring.viewOf(one), shape)) as [View, View];
  const target = scoring.room(shape, LANES);
  const [value, mean, squares] = [code.local('v128'), code.local('v128'), code.local('v128')];
  nested(code, [target, slopes, levels, ...leaves], shape.length - 1, ([to, slope, level, ...from]) => {
    code.float(0).set(mean).float(0).set(squares);
    each(code, [to!, ...from], SUMS, ([place, ...places]) => {
      scoring.store(place!, () => {
        scoring.element(x!, places);
        code.tee(value);
      });
      code.get(value).get(mean).simd('add').set(mean);
    });
    code.get(mean).float(part).simd('multiply').set(mean);
    each(code, [to!], SUMS, ([place]) => {
      scoring.store(place!, () => {
        scoring.load(place!);
        code.get(mean).simd('subtract').tee(value);
      });
      code.get(value).get(value).simd('multiply').get(squares).simd('add').set(squares);
    });
    code.float(1).get(squares).float(part).simd('multiply').float(epsilon).simd('add').simd('sqrt').simd('divide');
    code.set(squares);
    each(code, [to!, slope!, level!], SUMS, ([place, factor, addend]) =>
      scoring.store(place!, () => {
        scoring.load(place!);
        code.get(squares).simd('multiply');
        scoring.load(factor!);
        code.simd('multiply');
        scoring.load(addend!);
        code.simd('add');
      }),
    );
  });
  return { shape, view: target };
}

function refuseOtherAxes({ op, attributes }: GraphNode, shape: readonly number[]): void {
  const axis = Number(attributes.get('axis') ?? -1);
  if (axis !== -1 && axis !== shape.length - 1) throw new Unfit(`${op} of another axis than the last`);
}
