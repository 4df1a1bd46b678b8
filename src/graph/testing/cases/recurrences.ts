import * as ops from '../../ops/index.js';
import { type OpCase, opCase } from '../op-case.js';

export const recurrenceCases: OpCase[] = [
  opCase(
    ops.scanOp,
    'of a recurrence over two sequences',
    // carry ← carry·a + b: 1, 1·2 + 1 = 3, 3·3 + 0 = 9, 9·1 − 4 = 5
    (leaf) =>
      ops.scan(leaf([1, 2], ['N']), [leaf([2, 3, 1]), leaf([[1], [0], [-4]])], (carry, a, b) =>
        ops.add(ops.multiply(carry, a), b),
      ),
    { expected: [5, 11] },
  ),
  opCase(
    ops.scanOp,
    'that reads what stands around it',
    (leaf) => {
      const [outer, other] = [
        leaf([
          [1, 0],
          [1, 1],
        ]),
        leaf([10, 20]),
      ];
      // A product with a matrix, twice; the sum of two outer values does not change from step to step.
      return ops.scan(leaf([[1, 2]], ['B', 2]), [leaf([0, 1])], (carry, row) =>
        ops.add(ops.multiply(ops.add(other, other), row), ops.matMul(carry, outer)),
      );
    },
    // [1, 2] → [3, 2] → [5, 2] + [20, 40]
    { expected: [[25, 42]] },
  ),
  opCase(ops.scanOp, 'whose steps forget', (leaf) => ops.scan(leaf(1), [leaf([4, 6])], (_, row) => row), {
    expected: 6,
  }),
  opCase(
    ops.scanOp,
    'inside another',
    // Each outer step adds its number three times.
    (leaf) =>
      ops.scan(leaf(0), [leaf([1, 10])], (carry, one) =>
        ops.scan(carry, [leaf([1, 1, 1])], (inner, time) => ops.add(inner, ops.multiply(one, time))),
      ),
    { expected: 33 },
  ),
];
