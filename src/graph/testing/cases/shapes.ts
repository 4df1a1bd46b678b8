import * as ops from '../../ops/index.js';
import { numbers, type OpCase, opCase } from '../op-case.js';

const matrix = [
  [1, 2, 3],
  [4, 5, 6],
];

export const shapeCases: OpCase[] = [
  opCase(ops.reshapeOp, 'to one axis', (leaf) => ops.reshape(leaf(matrix, ['B', 3]), [-1]), {
    expected: [1, 2, 3, 4, 5, 6],
  }),
  opCase(ops.reshapeOp, 'folds a number into a named size', (leaf) =>
    ops.reshape(leaf(numbers([2, 3, 2]), ['B', 3, 2]), ['3*B', 2]),
  ),
  opCase(ops.reshapeOp, 'unfolds it again', (leaf) => ops.reshape(leaf(numbers([6, 2]), ['3*B', 2]), ['B', 3, 2])),
  opCase(ops.reshapeOp, 'folds two named sizes', (leaf) =>
    ops.reshape(leaf(numbers([2, 3, 2]), ['B', 'N', 2]), ['B*N', 2]),
  ),
  opCase(
    ops.reshapeOp,
    'splits two named sizes as another tensor has them',
    (leaf) => ops.reshape(leaf([1, 2, 3, 4, 5, 6], ['B*N']), ['B', 'N', 1], leaf(numbers([2, 3]), ['B', 'N'])),
    {
      expected: [
        [[1], [2], [3]],
        [[4], [5], [6]],
      ],
    },
  ),
  opCase(ops.reshapeOp, 'moves several named sizes', (leaf) =>
    ops.reshape(leaf(numbers([2, 3, 2, 2]), ['A', 'B', 'C', 2]), ['A*B', 'C', 1, 2]),
  ),
  opCase(ops.reshapeOp, 'inserts an axis between named sizes', (leaf) => ops.expandDims(leaf(matrix, ['A', 'B']), 1), {
    expected: [[[1, 2, 3]], [[4, 5, 6]]],
  }),
  opCase(ops.reshapeOp, 'appends an axis', (leaf) => ops.expandDims(leaf([1, 2], ['B']), -1), { expected: [[1], [2]] }),
  opCase(ops.reshapeOp, 'removes an axis', (leaf) => ops.squeeze(leaf([[[1, 2]], [[3, 4]]], ['A', 1, 'B']), 1), {
    expected: [
      [1, 2],
      [3, 4],
    ],
  }),
  opCase(ops.reshapeOp, 'flattens all but the first axis', (leaf) =>
    ops.flatten(leaf(numbers([2, 3, 2]), ['B', 3, 2])),
  ),
  opCase(ops.transposeOp, 'swaps two axes', (leaf) => ops.transpose(leaf(matrix, ['B', 3]), [1, 0]), {
    expected: [
      [1, 4],
      [2, 5],
      [3, 6],
    ],
  }),
  opCase(ops.transposeOp, 'turns four axes round', (leaf) =>
    ops.transpose(leaf(numbers([2, 3, 1, 2]), ['B', 3, 1, 2]), [0, 3, 1, 2]),
  ),
  opCase(ops.transposeOp, 'counts axes from the end', (leaf) => ops.transpose(leaf(numbers([2, 3, 2])), [0, -1, -2])),
  opCase(ops.broadcastToOp, 'repeats a row a number of times', (leaf) => ops.broadcastTo(leaf([1, 2]), [3, 2]), {
    expected: [
      [1, 2],
      [1, 2],
      [1, 2],
    ],
  }),
  opCase(
    ops.broadcastToOp,
    'takes two named sizes from another tensor',
    (leaf) => ops.broadcastTo(leaf([[[1, 2]]]), ['B', 'N', 2], leaf(numbers([2, 3, 1]), ['B', 'N', 1])),
    {
      expected: [
        [
          [1, 2],
          [1, 2],
          [1, 2],
        ],
        [
          [1, 2],
          [1, 2],
          [1, 2],
        ],
      ],
    },
  ),
  opCase(
    ops.broadcastToOp,
    'computes a product of named sizes',
    (leaf) => ops.broadcastTo(leaf([7]), ['2*B'], leaf(numbers([3, 1]), ['B', 1])),
    { expected: [7, 7, 7, 7, 7, 7] },
  ),
  opCase(
    ops.concatOp,
    'along the last axis',
    (leaf) => ops.concat([leaf(matrix, ['B', 3]), leaf([[7], [8]], ['B', 1])]),
    {
      expected: [
        [1, 2, 3, 7],
        [4, 5, 6, 8],
      ],
    },
  ),
  opCase(ops.concatOp, 'along the first axis', (leaf) => ops.concat([leaf([1]), leaf([2, 3]), leaf([4])], 0), {
    expected: [1, 2, 3, 4],
  }),
  opCase(ops.concatOp, 'of a tensor with itself', (leaf) => {
    const x = leaf(numbers([2, 2, 2]), ['B', 2, 2]);
    return ops.concat([x, ops.multiply(x, x), x], 1);
  }),
  opCase(ops.sliceOp, 'in the middle', (leaf) => ops.slice(leaf([1, 2, 3, 4]), 0, 1, 3), { expected: [2, 3] }),
  opCase(ops.sliceOp, 'from the end', (leaf) => ops.slice(leaf(matrix, ['B', 3]), -1, -2), {
    expected: [
      [2, 3],
      [5, 6],
    ],
  }),
  opCase(ops.sliceOp, 'of a middle axis', (leaf) => ops.slice(leaf(numbers([2, 4, 2]), ['B', 4, 2]), 1, 0, 1)),
  opCase(ops.padOp, 'on both sides', (leaf) => ops.pad(leaf([[1, 2]], ['B', 2]), -1, 1, 2), {
    expected: [[0, 1, 2, 0, 0]],
  }),
  opCase(ops.padOp, 'on one side of a middle axis', (leaf) => ops.pad(leaf(numbers([2, 2, 2]), ['B', 2, 2]), 1, 0, 1)),
  opCase(ops.whereOp, 'picks by element', (leaf) => ops.where(leaf([1, 0], [2], 'bool'), leaf([1, 2]), leaf([3, 4])), {
    expected: [1, 4],
  }),
  opCase(
    ops.whereOp,
    'broadcasts all three',
    (leaf) => ops.where(leaf([[1], [0]], ['B', 1], 'bool'), leaf([1, 2, 3]), leaf(9)),
    {
      expected: [
        [1, 2, 3],
        [9, 9, 9],
      ],
    },
  ),
  opCase(
    ops.castOp,
    'to whole numbers and back cuts the gradient',
    (leaf) => ops.cast(ops.cast(leaf([1.7, -1.7]), 'int32'), 'float32'),
    {
      expected: [1, -1],
      gradients: [[0, 0]],
    },
  ),
  opCase(ops.castOp, 'through float64 keeps it', (leaf) => {
    const wide = ops.cast(leaf([1.5, -2]), 'float64');
    return ops.cast(ops.multiply(wide, wide), 'float32');
  }),
  opCase(ops.castOp, 'of truth to numbers', (leaf) => ops.indicator(leaf([1, 0], [2], 'bool')), {
    expected: [1, 0],
    gradients: [],
  }),
  opCase(
    ops.stopGradientOp,
    'keeps the value and stops the gradient',
    (leaf) => {
      const x = leaf([3, -2]);
      return ops.multiply(x, ops.stopGradient(x));
    },
    { expected: [9, 4], gradients: [[3, -2]] },
  ),
  opCase(
    ops.withGradientOp,
    'takes the gradient it is given',
    (leaf) => {
      const x = leaf([3, -2]);
      return ops.withGradient(ops.floor(x), [x], (upstream) => [ops.multiply(upstream, 5)]);
    },
    { expected: [3, -2], gradients: [[5, 5]] },
  ),
];
