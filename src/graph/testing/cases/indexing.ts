import * as ops from '../../ops/index.js';
import { apply } from '../../tensor.js';
import { numbers, type OpCase, opCase } from '../op-case.js';

const table = [
  [1, 2],
  [3, 4],
  [5, 6],
];
const int = 'int32';

export const indexingCases: OpCase[] = [
  opCase(ops.windowsOp, 'of two positions', (leaf) => ops.windows(leaf(table), 2), {
    expected: [
      [
        [1, 2],
        [3, 4],
      ],
      [
        [3, 4],
        [5, 6],
      ],
    ],
  }),
  opCase(ops.windowsOp, 'of three positions of many lists', (leaf) =>
    ops.windows(leaf(numbers([2, 5, 2]), ['B', 5, 2]), 3),
  ),
  opCase(
    ops.gatherOp,
    'of fed rows, some twice',
    (leaf) => ops.gather(leaf(table, ['N', 2]), leaf([2, 0, 2, 2], ['P'], int)),
    {
      expected: [
        [5, 6],
        [1, 2],
        [5, 6],
        [5, 6],
      ],
      gradients: [
        [
          [1, 1],
          [0, 0],
          [3, 3],
        ],
      ],
    },
  ),
  opCase(ops.gatherOp, 'by a matrix of rows', (leaf) =>
    ops.gather(
      leaf(numbers([4, 2]), ['N', 2]),
      leaf(
        [
          [0, 1],
          [3, 1],
          [1, 1],
        ],
        ['B', 2],
        int,
      ),
    ),
  ),
  opCase(ops.gatherOp, 'of matrices with two named sizes', (leaf) =>
    ops.gather(leaf(numbers([3, 2, 2]), ['N', 'M', 2]), leaf([2, 2, 0], ['P'], int)),
  ),
  opCase(
    ops.gatherOp,
    'of single numbers',
    (leaf) => ops.gather(leaf([7, 8, 9], ['N']), leaf([[1, 1]], ['B', 2], int)),
    {
      expected: [[8, 8]],
      gradients: [[0, 2, 0]],
    },
  ),
  opCase(ops.gatherOp, 'by computed rows', (leaf) => {
    const rows = leaf([0, 1, 1], ['P'], int);
    return ops.gather(leaf(table, ['N', 2]), ops.add(rows, 1));
  }),
  opCase(ops.gatherOp, 'of two sources by the same rows', (leaf) => {
    const rows = leaf([1, 0, 1], ['P'], int);
    return ops.add(
      ops.gather(leaf(numbers([2, 2]), ['A', 2]), rows),
      ops.gather(leaf(numbers([3, 2]), ['B', 2]), rows),
    );
  }),
  opCase(
    ops.scatterSumOp,
    'adds rows of one index',
    (leaf) =>
      apply(ops.scatterSumOp, [leaf(table, ['P', 2]), leaf([3, 0, 3], ['P'], int), leaf(numbers([4, 1]), ['N', 1])]),
    {
      expected: [
        [3, 4],
        [0, 0],
        [0, 0],
        [6, 8],
      ],
    },
  ),
  opCase(
    ops.scatterSumOp,
    'adds rows of one computed index',
    (leaf) =>
      apply(ops.scatterSumOp, [
        leaf(table, ['P', 2]),
        ops.add(leaf([2, -1, 2], ['P'], int), 1),
        leaf(numbers([4, 1]), ['N', 1]),
      ]),
    {
      expected: [
        [3, 4],
        [0, 0],
        [0, 0],
        [6, 8],
      ],
    },
  ),
  opCase(
    ops.gatherAlongOp,
    'picks in each row',
    (leaf) =>
      ops.gatherAlong(
        leaf(
          [
            [1, 2, 3],
            [4, 5, 6],
          ],
          ['B', 3],
        ),
        leaf(
          [
            [2, 2],
            [0, 1],
          ],
          ['B', 2],
          int,
        ),
      ),
    {
      expected: [
        [3, 3],
        [4, 5],
      ],
      gradients: [
        [
          [0, 0, 2],
          [1, 1, 0],
        ],
      ],
    },
  ),
  opCase(ops.gatherAlongOp, 'of three axes', (leaf) =>
    ops.gatherAlong(
      leaf(numbers([2, 2, 3]), ['B', 2, 3]),
      leaf(
        [
          [[0], [2]],
          [[1], [1]],
        ],
        ['B', 2, 1],
        int,
      ),
    ),
  ),
  opCase(
    ops.scatterAlongOp,
    'adds in each row',
    (leaf) =>
      apply(ops.scatterAlongOp, [
        leaf(
          [
            [1, 2],
            [4, 8],
          ],
          ['B', 2],
        ),
        leaf(
          [
            [0, 0],
            [2, 1],
          ],
          ['B', 2],
          int,
        ),
        leaf(numbers([2, 3]), ['B', 3]),
      ]),
    {
      expected: [
        [3, 0, 0],
        [0, 8, 4],
      ],
    },
  ),
  opCase(
    ops.topKIndicesOp,
    'lists the lower index first among equals',
    (leaf) => ops.topKIndices(leaf([[1, 3, 3, 0, 3]], ['B', 5]), 4),
    {
      expected: [[1, 2, 4, 0]],
    },
  ),
  opCase(
    ops.gatherAlongOp,
    'of the largest values',
    (leaf) =>
      ops.topK(
        leaf(
          [
            [1, 5, 3],
            [9, 7, 8],
          ],
          ['B', 3],
        ),
        2,
      ),
    {
      expected: [
        [5, 3],
        [9, 8],
      ],
    },
  ),
  opCase(
    ops.argMaxOp,
    'is the lowest among equals',
    (leaf) =>
      ops.argMax(
        leaf(
          [
            [1, 3, 3],
            [5, 2, 5],
          ],
          ['B', 3],
        ),
      ),
    {
      expected: [1, 0],
    },
  ),
  opCase(ops.constantOp, 'has the values it was given', (leaf) => ops.add(leaf([1, 1]), ops.constant([2, -3], [2])), {
    expected: [3, -2],
  }),
  opCase(
    ops.constantOp,
    'keeps both infinities apart',
    () => ops.concat([Infinity, -Infinity, 0].map((v) => ops.constant([v], [1]))),
    {
      expected: [Infinity, -Infinity, 0],
    },
  ),
  opCase(ops.inputOp, 'is what is fed', (leaf) => leaf([1, 2]), { expected: [1, 2] }),
];
