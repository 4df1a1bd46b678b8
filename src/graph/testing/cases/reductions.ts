import * as ops from '../../ops/index.js';
import { apply } from '../../tensor.js';
import { numbers, type OpCase, opCase } from '../op-case.js';

const matrix = [
  [1, 2, 3],
  [4, 5, 12],
];
const mean = 2;
const deviation = Math.sqrt(2 / 3 + 1e-5);

export const reductionCases: OpCase[] = [
  opCase(
    ops.layerNormalizationOp,
    'of rows',
    (leaf) => ops.layerNormalization(leaf([[1, 2, 3]], ['B', 3]), leaf([1, 2, 4]), leaf([5, 6, 7])),
    { expected: [[5 - 1 / deviation, 6, 7 + 4 / deviation]] },
  ),
  opCase(ops.layerNormalizationOp, 'of rows of matrices', (leaf) =>
    ops.layerNormalization(leaf(numbers([2, 3, 4]), ['B', 'N', 4]), leaf(numbers([4], 2)), leaf(numbers([4], 3))),
  ),
  opCase(ops.reduceSumOp, 'over everything', (leaf) => ops.reduceSum(leaf(matrix, ['B', 3])), { expected: 27 }),
  opCase(ops.reduceSumOp, 'over the first axis', (leaf) => ops.reduceSum(leaf(matrix, ['B', 3]), 0), {
    expected: [5, 7, 15],
  }),
  opCase(ops.reduceSumOp, 'over the last axis, kept', (leaf) => ops.reduceSum(leaf(matrix, ['B', 3]), -1, true), {
    expected: [[6], [21]],
  }),
  opCase(ops.reduceSumOp, 'over outer axes', (leaf) => ops.reduceSum(leaf(numbers([2, 3, 2]), ['B', 'N', 2]), [0, 2])),
  opCase(ops.reduceSumOp, 'over all rows of matrices, kept', (leaf) =>
    ops.reduceSum(leaf(numbers([2, 3, 2]), ['B', 'N', 2]), [0, 1], true),
  ),
  opCase(ops.reduceSumOp, 'over the rows of one column', (leaf) => ops.reduceSum(leaf([[1], [4]], ['B', 1]), 0), {
    expected: [5],
  }),
  opCase(
    ops.reduceSumOp,
    'of whole numbers',
    (leaf) =>
      ops.reduceSum(
        leaf(
          [
            [1, 2],
            [3, 4],
          ],
          ['B', 2],
          'int32',
        ),
        0,
      ),
    {
      expected: [4, 6],
      gradients: [],
    },
  ),
  opCase(ops.reduceSumOp, 'over one axis named twice', (leaf) => ops.reduceSum(leaf(matrix), [1, -1]), {
    expected: [6, 21],
  }),
  opCase(ops.reduceMeanOp, 'over everything', (leaf) => ops.reduceMean(leaf(matrix, ['B', 3])), { expected: 4.5 }),
  opCase(ops.reduceMeanOp, 'over a named size', (leaf) => ops.reduceMean(leaf(matrix, ['B', 3]), 0), {
    expected: [2.5, 3.5, 7.5],
  }),
  opCase(ops.reduceMeanOp, 'over two named sizes', (leaf) =>
    ops.reduceMean(leaf(numbers([2, 3, 2]), ['B', 'N', 2]), [0, 1], true),
  ),
  opCase(ops.reduceMeanOp, 'over numbers', (leaf) => ops.reduceMean(leaf(matrix), -1, true), { expected: [[2], [7]] }),
  opCase(ops.reduceMaxOp, 'over the last axis', (leaf) => ops.reduceMax(leaf(matrix, ['B', 3]), -1), {
    expected: [3, 12],
  }),
  opCase(ops.reduceMaxOp, 'over the first axis, kept', (leaf) => ops.reduceMax(leaf(matrix), 0, true), {
    expected: [[4, 5, 12]],
  }),
  opCase(
    ops.reduceMaxOp,
    'of equal values: they share the gradient',
    (leaf) => ops.reduceMax(leaf([[2, 1, 2, 2]], ['B', 4]), -1),
    {
      expected: [2],
      gradients: [[[1 / 3, 0, 1 / 3, 1 / 3]]],
    },
  ),
  opCase(ops.sizeOfOp, 'of a named axis', (leaf) => ops.sizeOf(leaf(matrix, ['B', 3]), 0), { expected: 2 }),
  opCase(ops.cumulativeSumOp, 'along the last axis', (leaf) => ops.cumulativeSum(leaf(matrix, ['B', 3])), {
    expected: [
      [1, 3, 6],
      [4, 9, 21],
    ],
  }),
  opCase(ops.cumulativeSumOp, 'of a vector', (leaf) => ops.cumulativeSum(leaf([1, -2, 4], ['B'])), {
    expected: [1, -1, 3],
  }),
  opCase(ops.softmaxOp, 'of a row', (leaf) => ops.softmax(leaf([[Math.log(1), Math.log(2), Math.log(5)]], ['B', 3])), {
    expected: [[0.125, 0.25, 0.625]],
  }),
  opCase(ops.softmaxOp, 'of extremes', (leaf) => ops.softmax(leaf([[1e4, -1e4, 1e4]])), {
    expected: [[0.5, 0, 0.5]],
    gradients: [[[0, 0, 0]]],
  }),
  opCase(ops.softmaxOp, 'over a named size', (leaf) => ops.softmax(leaf(numbers([2, 2, 3]), ['B', 2, 'N']))),
  opCase(ops.logSoftmaxOp, 'of a row', (leaf) => ops.logSoftmax(leaf([[0, Math.log(3)]], ['B', 2])), {
    expected: [[Math.log(0.25), Math.log(0.75)]],
  }),
  opCase(ops.logSoftmaxOp, 'of extremes', (leaf) => ops.logSoftmax(leaf([[1000, 0, -1000]])), {
    expected: [[0, -1000, -2000]],
    gradients: [[[1 - 3, 1, 1]]],
  }),
  opCase(ops.logSoftmaxOp, 'of three axes', (leaf) => ops.logSoftmax(leaf(numbers([2, 2, 3]), ['B', 2, 3]))),
  opCase(ops.standardizeOp, 'of a row', (leaf) => ops.standardize(leaf([[1, 2, 3]], ['B', 3])), {
    expected: [[(1 - mean) / deviation, 0, (3 - mean) / deviation]],
  }),
  opCase(
    ops.inverseDeviationOp,
    'is found along with the standardized row',
    (leaf) => {
      const x = leaf([[1, 2, 3]], ['B', 3]);
      return apply(ops.inverseDeviationOp, [ops.standardize(x), x]);
    },
    { expected: [[1 / deviation]] },
  ),
  opCase(ops.standardizeOp, 'of three axes', (leaf) => ops.standardize(leaf(numbers([2, 2, 4]), ['B', 2, 4]), 1e-3)),
  opCase(ops.standardizeOp, 'of a constant row stays finite', (leaf) => ops.standardize(leaf([[5, 5, 5]])), {
    expected: [[0, 0, 0]],
    gradients: [[[0, 0, 0]]],
  }),
  opCase(
    ops.divideOp,
    'by the length of a vector',
    (leaf) =>
      ops.normalizeLength(
        leaf(
          [
            [3, 4],
            [0, -2],
          ],
          ['B', 2],
        ),
      ),
    {
      expected: [
        [0.6, 0.8],
        [0, -1],
      ],
    },
  ),
];
