import * as ops from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { type Leaf, numbers, type OpCase, opCase } from '../op-case.js';

/** Three lists of three positions, of which the first is empty. */
const FILLED = [
  [0, 0, 0],
  [0, 1, 1],
  [1, 0, 1],
];
const EMPTY = [
  [0, 0],
  [0, 0],
];
const used = (leaf: Leaf, mask = FILLED) => ops.used(leaf(mask, ['B', mask[0]!.length], 'bool'));
/** As a vector, also where nothing is left of it. */
const sum = (x: Tensor): Tensor => ops.reduceSum(x, 0);

export const usedCases: OpCase[] = [
  opCase(ops.placesOp, 'counts over all axes', (leaf) => ops.cast(used(leaf).places, 'int32'), {
    expected: [4, 5, 6, 8],
  }),
  opCase(ops.takeUsedOp, 'one after the other', (leaf) =>
    ops.takeUsed(leaf(numbers([3, 3, 2]), ['B', 3, 2]), used(leaf)),
  ),
  opCase(
    ops.takeUsedOp,
    'of single numbers',
    (leaf) => {
      const x = leaf(
        [
          [1, 2, 3],
          [4, 5, 6],
          [7, 8, 9],
        ],
        ['B', 3],
      );
      return ops.takeUsed(x, used(leaf));
    },
    { expected: [5, 6, 7, 9] },
  ),
  opCase(ops.takeUsedOp, 'of one list', (leaf) => ops.takeUsed(leaf([[1], [2]]), ops.used(leaf([0, 1], [2], 'bool'))), {
    expected: [[2]],
  }),
  opCase(
    ops.takeUsedOp,
    'nothing of empty lists',
    (leaf) => sum(ops.takeUsed(leaf(numbers([2, 2, 3]), ['B', 2, 3]), used(leaf, EMPTY))),
    { expected: [0, 0, 0] },
  ),
  opCase(
    ops.putBackOp,
    'with zeros between',
    (leaf) => {
      const places = used(leaf);
      const x = leaf(
        [
          [1, 2, 3],
          [4, 5, 6],
          [7, 8, 9],
        ],
        ['B', 3],
      );
      return ops.putBack(ops.takeUsed(x, places), places);
    },
    {
      expected: [
        [0, 0, 0],
        [0, 5, 6],
        [7, 0, 9],
      ],
    },
  ),
  opCase(ops.putBackOp, 'rows of several axes', (leaf) => {
    const places = used(leaf);
    return ops.putBack(ops.square(ops.takeUsed(leaf(numbers([3, 3, 2, 2]), ['B', 3, 2, 2]), places)), places);
  }),
  opCase(
    ops.putBackOp,
    'zeros alone into empty lists',
    (leaf) => {
      const places = used(leaf, EMPTY);
      return ops.putBack(ops.takeUsed(leaf(numbers([2, 2]), ['B', 2]), places), places);
    },
    { expected: EMPTY },
  ),
  opCase(
    ops.repeatUsedOp,
    'what there is of each list',
    (leaf) =>
      ops.repeatUsed(
        leaf(
          [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
          ['B', 2],
        ),
        used(leaf),
        'list',
      ),
    {
      expected: [
        [3, 4],
        [3, 4],
        [5, 6],
        [5, 6],
      ],
    },
  ),
  opCase(
    ops.repeatUsedOp,
    'what there is of each position',
    (leaf) =>
      ops.repeatUsed(
        leaf([
          [1, 2],
          [3, 4],
          [5, 6],
        ]),
        used(leaf),
        'position',
      ),
    {
      expected: [
        [3, 4],
        [5, 6],
        [1, 2],
        [5, 6],
      ],
    },
  ),
  opCase(ops.repeatUsedOp, 'of lists in lists', (leaf) => {
    const mask = leaf(
      [
        [
          [1, 0],
          [0, 1],
        ],
        [
          [1, 1],
          [0, 0],
        ],
      ],
      ['B', 2, 2],
      'bool',
    );
    return ops.repeatUsed(leaf(numbers([2, 2, 3]), ['B', 2, 3]), ops.used(mask), 'list');
  }),
];
