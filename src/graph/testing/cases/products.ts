import * as ops from '../../ops/index.js';
import { numbers, type OpCase, opCase } from '../op-case.js';

const a = [
  [1, 2],
  [3, 4],
  [5, 6],
];
const b = [
  [1, 0, 2],
  [0, 1, 3],
];
const ab = [
  [1, 2, 8],
  [3, 4, 18],
  [5, 6, 28],
];
const flipped = (m: number[][]) => m[0]!.map((_, j) => m.map((row) => row[j]!));
const flags = [false, true].flatMap((transposeA) => [false, true].map((transposeB) => ({ transposeA, transposeB })));
const named = (f: { transposeA: boolean; transposeB: boolean }) =>
  `${f.transposeA ? 'aᵀ' : 'a'}·${f.transposeB ? 'bᵀ' : 'b'}`;

export const productCases: OpCase[] = [
  ...flags.map((f) =>
    opCase(
      ops.matMulOp,
      `${named(f)} of matrices`,
      (leaf) =>
        ops.matMul(
          f.transposeA ? leaf(flipped(a), [2, 'B']) : leaf(a, ['B', 2]),
          f.transposeB ? leaf(flipped(b)) : leaf(b),
          f,
        ),
      { expected: ab },
    ),
  ),
  ...flags.map((f) =>
    opCase(ops.matMulOp, `${named(f)} of as many matrices on both sides`, (leaf) =>
      ops.matMul(
        f.transposeA ? leaf(numbers([2, 3, 4, 2]), ['B', 3, 4, 2]) : leaf(numbers([2, 3, 2, 4]), ['B', 3, 2, 4]),
        f.transposeB ? leaf(numbers([2, 3, 3, 4], 2), ['B', 3, 3, 4]) : leaf(numbers([2, 3, 4, 3], 2), ['B', 3, 4, 3]),
        f,
      ),
    ),
  ),
  ...flags.map((f) =>
    opCase(ops.matMulOp, `${named(f)} of many matrices and one`, (leaf) =>
      ops.matMul(
        f.transposeA ? leaf(numbers([2, 3, 2]), ['B', 3, 2]) : leaf(numbers([2, 2, 3]), ['B', 2, 3]),
        f.transposeB ? leaf(numbers([2, 3], 2)) : leaf(numbers([3, 2], 2)),
        f,
      ),
    ),
  ),
  opCase(ops.matMulOp, 'of [B, N, d] with one matrix, both sizes named', (leaf) =>
    ops.matMul(leaf(numbers([2, 3, 2]), ['B', 'N', 2]), leaf(numbers([2, 4]))),
  ),
  opCase(ops.matMulOp, 'of one matrix and many', (leaf) =>
    ops.matMul(leaf(numbers([2, 3])), leaf(numbers([4, 3, 2]), ['B', 3, 2])),
  ),
  opCase(ops.matMulOp, 'with broadcasting leading axes', (leaf) =>
    ops.matMul(leaf(numbers([2, 1, 2, 3]), ['B', 1, 2, 3]), leaf(numbers([1, 4, 3, 2]))),
  ),
  opCase(ops.matMulOp, 'of a tensor with itself', (leaf) => {
    const x = leaf(numbers([3, 2]), ['B', 2]);
    return ops.matMul(x, x, { transposeB: true });
  }),
];
