import * as ops from '../../ops/index.js';
import { numbers, type OpCase, opCase } from '../op-case.js';

const of = (values: readonly number[], f: (x: number) => number) => values.map(f);
const some = [-1.5, -0.25, 0.5, 2];
const positive = [0.25, 1, 3];

export const unaryCases: OpCase[] = [
  opCase(ops.negateOp, 'changes the sign', (leaf) => ops.negate(leaf(some)), { expected: [1.5, 0.25, -0.5, -2] }),
  opCase(ops.expOp, 'of both signs', (leaf) => ops.exp(leaf(some)), { expected: of(some, Math.exp) }),
  opCase(ops.logOp, 'of positive numbers', (leaf) => ops.log(leaf(positive)), { expected: of(positive, Math.log) }),
  opCase(ops.sqrtOp, 'of positive numbers', (leaf) => ops.sqrt(leaf(positive)), { expected: [0.5, 1, Math.sqrt(3)] }),
  opCase(ops.reciprocalOp, 'of both signs', (leaf) => ops.reciprocal(leaf([-0.5, 4])), { expected: [-2, 0.25] }),
  opCase(ops.absOp, 'of both signs', (leaf) => ops.abs(leaf(some)), { expected: [1.5, 0.25, 0.5, 2] }),
  opCase(ops.absOp, 'at zero: no gradient', (leaf) => ops.abs(leaf([0])), { expected: [0], gradients: [[0]] }),
  opCase(ops.signOp, 'of both signs and zero', (leaf) => ops.sign(leaf([-3, 0, 0.5])), { expected: [-1, 0, 1] }),
  opCase(ops.floorOp, 'goes down', (leaf) => ops.floor(leaf([-1.5, 2, 2.9])), { expected: [-2, 2, 2] }),
  opCase(ops.tanhOp, 'of a matrix', (leaf) => ops.tanh(leaf([some], ['B', 4])), { expected: [of(some, Math.tanh)] }),
  opCase(ops.sigmoidOp, 'of both signs', (leaf) => ops.sigmoid(leaf(some)), {
    expected: of(some, (x) => 1 / (1 + Math.exp(-x))),
  }),
  opCase(ops.sigmoidOp, 'of extremes stays finite', (leaf) => ops.sigmoid(leaf([-200, 200])), {
    expected: [0, 1],
    gradients: [[0, 0]],
  }),
  opCase(ops.reluOp, 'cuts below zero', (leaf) => ops.relu(leaf(some)), { expected: [0, 0, 0.5, 2] }),
  opCase(ops.reluOp, 'at zero: no gradient', (leaf) => ops.relu(leaf([0, -1, 1])), {
    expected: [0, 0, 1],
    gradients: [[0, 0, 1]],
  }),
  opCase(ops.softplusOp, 'of both signs', (leaf) => ops.softplus(leaf(some)), {
    expected: of(some, (x) => Math.log1p(Math.exp(x))),
  }),
  opCase(ops.softplusOp, 'of extremes stays finite', (leaf) => ops.softplus(leaf([-200, 200])), {
    expected: [0, 200],
    gradients: [[0, 1]],
  }),
  opCase(ops.eluOp, 'of both signs', (leaf) => ops.elu(leaf(some)), {
    expected: of(some, (x) => (x > 0 ? x : Math.expm1(x))),
  }),
  opCase(ops.erfOp, 'of both signs', (leaf) => ops.erf(leaf([-1, 0.5, 2])), {
    expected: [-0.8427007929, 0.5204998778, 0.995322265],
  }),
  opCase(ops.sinOp, 'of both signs', (leaf) => ops.sin(leaf(some)), { expected: of(some, Math.sin) }),
  opCase(ops.cosOp, 'of both signs', (leaf) => ops.cos(leaf(some)), { expected: of(some, Math.cos) }),
  opCase(ops.multiplyOp, 'with itself', (leaf) => ops.square(leaf([-3, 2])), { expected: [9, 4] }),
  opCase(ops.tanhOp, 'inside a chain', (leaf) =>
    ops.multiply(ops.sigmoid(ops.sin(leaf(numbers([2, 3]), ['B', 3]))), ops.tanh(ops.cos(leaf(numbers([3]))))),
  ),
];
