import * as ops from '../../ops/index.js';
import { numbers, type OpCase, opCase } from '../op-case.js';

const bool = 'bool';

export const arithmeticCases: OpCase[] = [
  opCase(ops.addOp, 'of equal shapes', (leaf) => ops.add(leaf([1, 2]), leaf([10, 20])), { expected: [11, 22] }),
  opCase(
    ops.addOp,
    'of a row to a named number of rows',
    (leaf) =>
      ops.add(
        leaf(
          [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
          ['B', 2],
        ),
        leaf([10, 20]),
      ),
    {
      expected: [
        [11, 22],
        [13, 24],
        [15, 26],
      ],
    },
  ),
  opCase(ops.addOp, 'of a column and a row', (leaf) => ops.add(leaf([[1], [2]]), leaf([[10, 20, 30]])), {
    expected: [
      [11, 21, 31],
      [12, 22, 32],
    ],
  }),
  opCase(ops.addOp, 'of a scalar, on the left', (leaf) => ops.add(leaf(5), leaf(numbers([2, 3, 2])))),
  opCase(ops.addOp, 'of user states [1, 1, d] to item states [B, N, d]', (leaf) =>
    ops.add(leaf(numbers([1, 1, 3])), leaf(numbers([2, 4, 3]), ['B', 'N', 3])),
  ),
  opCase(ops.addOp, 'of a number', (leaf) => ops.add(leaf([1, 2]), 3), { expected: [4, 5] }),
  opCase(ops.addOp, 'of a tensor to itself', (leaf) => {
    const x = leaf([1, -2]);
    return ops.add(x, ops.multiply(x, x));
  }),
  opCase(
    ops.multiplyOp,
    'of two repeated tensors',
    (leaf) => {
      const like = leaf(numbers([2, 3]), ['B', 'N']);
      const row = ops.broadcastTo(leaf([[1, 2, 3]], [1, 'N']), ['B', 'N'], like);
      const column = ops.broadcastTo(leaf([[10], [20]], ['B', 1]), ['B', 'N'], like);
      return ops.subtract(ops.multiply(row, column), ops.multiply(row, row));
    },
    {
      expected: [
        [9, 16, 21],
        [19, 36, 51],
      ],
    },
  ),
  opCase(ops.subtractOp, 'with the row first', (leaf) => ops.subtract(leaf([10, 20]), leaf([[1, 2]], ['B', 2])), {
    expected: [[9, 18]],
  }),
  opCase(ops.subtractOp, 'from a number', (leaf) => ops.subtract(1, leaf([0.25, 2])), { expected: [0.75, -1] }),
  opCase(
    ops.multiplyOp,
    'of a column',
    (leaf) =>
      ops.multiply(
        leaf(
          [
            [1, 2],
            [3, 4],
          ],
          ['B', 2],
        ),
        leaf([[2], [-1]], ['B', 1]),
      ),
    {
      expected: [
        [2, 4],
        [-3, -4],
      ],
    },
  ),
  opCase(ops.multiplyOp, 'by two', (leaf) => ops.multiply(leaf([1.5, -2]), 2), { expected: [3, -4] }),
  opCase(
    ops.divideOp,
    'by a row',
    (leaf) =>
      ops.divide(
        leaf(
          [
            [1, 9],
            [6, -3],
          ],
          ['B', 2],
        ),
        leaf([2, -3]),
      ),
    {
      expected: [
        [0.5, -3],
        [3, 1],
      ],
    },
  ),
  opCase(ops.divideOp, 'of a number', (leaf) => ops.divide(1, leaf([2, -4])), { expected: [0.5, -0.25] }),
  opCase(
    ops.maximumOp,
    'with broadcasting',
    (leaf) =>
      ops.maximum(
        leaf(
          [
            [1, 5],
            [7, -2],
          ],
          ['B', 2],
        ),
        leaf([3, 3]),
      ),
    {
      expected: [
        [3, 5],
        [7, 3],
      ],
    },
  ),
  opCase(
    ops.maximumOp,
    'of equal values: the gradient goes to the first',
    (leaf) => ops.maximum(leaf([2, 1]), leaf([2, 3])),
    {
      expected: [2, 3],
      gradients: [
        [1, 0],
        [0, 1],
      ],
    },
  ),
  opCase(ops.minimumOp, 'with a number', (leaf) => ops.minimum(leaf([1, 5, -2]), 2), { expected: [1, 2, -2] }),
  opCase(
    ops.minimumOp,
    'of equal values: the gradient goes to the first',
    (leaf) => ops.minimum(leaf([2, 1]), leaf([2, 3])),
    {
      expected: [2, 1],
      gradients: [
        [1, 1],
        [0, 0],
      ],
    },
  ),
  opCase(ops.greaterOp, 'is strict', (leaf) => ops.greater(leaf([1, 2, 3]), 2), { expected: [0, 0, 1] }),
  opCase(ops.greaterOrEqualOp, 'is not', (leaf) => ops.greaterOrEqual(leaf([1, 2, 3]), 2), { expected: [0, 1, 1] }),
  opCase(
    ops.lessOp,
    'broadcasts',
    (leaf) => ops.less(leaf([0, 1, 2], [3], 'int32'), leaf([[1], [3]], ['B', 1], 'int32')),
    {
      expected: [
        [1, 0, 0],
        [1, 1, 1],
      ],
    },
  ),
  opCase(
    ops.equalOp,
    'of whole numbers',
    (leaf) => ops.equal(leaf([1, 2], [2], 'int32'), leaf([[2]], [1, 1], 'int32')),
    {
      expected: [[0, 1]],
    },
  ),
  opCase(
    ops.andOp,
    'of all combinations',
    (leaf) => ops.and(leaf([0, 0, 1, 1], [4], bool), leaf([0, 1, 0, 1], [4], bool)),
    {
      expected: [0, 0, 0, 1],
    },
  ),
  opCase(
    ops.orOp,
    'of all combinations',
    (leaf) => ops.or(leaf([0, 0, 1, 1], [4], bool), leaf([0, 1, 0, 1], [4], bool)),
    {
      expected: [0, 1, 1, 1],
    },
  ),
  opCase(ops.notOp, 'of both', (leaf) => ops.not(leaf([0, 1], [2], bool)), { expected: [1, 0] }),
  opCase(ops.multiplyOp, 'with a mask', (leaf) => ops.masked(leaf([3, 4]), leaf([1, 0], [2], bool)), {
    expected: [3, 0],
  }),
];
