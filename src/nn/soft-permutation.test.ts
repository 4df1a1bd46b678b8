import fc from 'fast-check';
import { expect, test } from 'vitest';
import { input, type Tensor } from '../graph/index.js';
import { hardPermutation, neuralSort, type SoftPermutationOptions, softSort } from './soft-permutation.js';
import { expectClose } from './testing/expect-close.js';
import { checkGradients } from './testing/gradient-check.js';
import { run, valuesOf, x } from './testing/run.js';
import { bools, floats, uneven } from './testing/values.js';

const OPERATORS: [string, (scores: Tensor, options?: SoftPermutationOptions) => Tensor][] = [
  ['NeuralSort', neuralSort],
  ['SoftSort', softSort],
];

test.each(OPERATORS)('%s of two scores, by hand', async (_, sort) => {
  // Gap 1, so that each row is the softmax of (1, 0) in its order: e / (e + 1) = 0.73106.
  const y = await valuesOf(() => sort(x('s', 'B', 2)), { s: floats([[1, 2]]) });
  expectClose(y, [0.26894, 0.73106, 0.73106, 0.26894], 4);
});

test('three scores tell the operators apart', async () => {
  const { neural, soft } = await run(
    () => ({ neural: neuralSort(x('s', 3), { logarithm: true }), soft: softSort(x('s', 3), { logarithm: true }) }),
    { s: floats([3, 1, 2]) },
  );
  // First row of NeuralSort: 2s − (3, 3, 2) = (3, −1, 2); of SoftSort: −|3 − s| = (0, −2, −1). Differences of
  // logarithms:
  const gaps = (row: number[]) => [row[0]! - row[1]!, row[0]! - row[2]!];
  expectClose(gaps(neural.values), [4, 1]);
  expectClose(gaps(soft.values), [2, 1]);
});

const lists = fc.uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 5, maxLength: 5 }).chain((scores) =>
  fc.record({
    scores: fc.constant(scores.map((score) => score / 4)),
    mask: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
  }),
);

test.each(OPERATORS)(
  '%s: rows share 1 among what is there; a low temperature gives the hard order',
  async (_, sort) => {
    await fc.assert(
      fc.asyncProperty(lists, async ({ scores, mask }) => {
        const m = () => input('mask', ['B', 5], 'bool');
        const { soft, cold, hard } = await run(
          () => ({
            soft: sort(x('s', 'B', 5), { mask: m() }),
            cold: sort(x('s', 'B', 5), { mask: m(), temperature: 0.01 }),
            hard: hardPermutation(x('s', 'B', 5), m()),
          }),
          { s: floats([scores]), mask: bools([mask.map(Number)]) },
        );
        const there = [...scores.keys()].filter((i) => mask[i]);
        const order = there.toSorted((a, b) => scores[b]! - scores[a]!);
        for (let row = 0; row < 5; row++) {
          const of = ({ values }: { values: number[] }) => values.slice(5 * row, 5 * row + 5);
          const wanted = scores.map((_, column) => (order[row] === column ? 1 : 0));
          expect(of(hard)).toEqual(wanted);
          expectClose(of(cold), wanted, 4);
          const sum = of(soft).reduce((a, b) => a + b, 0);
          expect(sum).toBeCloseTo(row < there.length ? 1 : 0, 5);
          expect(of(soft).every((value, i) => mask[i] || value === 0)).toBe(true);
        }
      }),
      { seed: 1, numRuns: 12 },
    );
  },
);

test.each(OPERATORS)('%s of a padded list is that of the list without padding', async (_, sort) => {
  const mask = bools([[1, 0, 1, 1]]);
  for (const logarithm of [false, true]) {
    const padded = await valuesOf(() => sort(x('s', 'B', 4), { mask: input('m', ['B', 4], 'bool'), logarithm }), {
      s: floats([[0.5, 99, -1, 2]]),
      m: mask,
    });
    const plain = await valuesOf(() => sort(x('s', 'B', 3), { logarithm }), { s: floats([[0.5, -1, 2]]) });
    const [a, b, c, d, e, f, g, h, i] = plain as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    expectClose(padded, [a, 0, b, c, d, 0, e, f, g, 0, h, i, 0, 0, 0, 0]);
  }
});

test('among equal scores the hard order is that of the list', async () => {
  expect(await valuesOf(() => hardPermutation(x('s', 3)), { s: floats([1, 2, 1]) })).toEqual([
    0, 1, 0, 1, 0, 0, 0, 0, 1,
  ]);
});

test.each(OPERATORS)('gradients, %s', async (_, sort) => {
  const feeds = {
    s: uneven([2, 3]),
    t: floats(0.7),
    m: bools([
      [1, 1, 1],
      [1, 0, 1],
    ]),
  };
  for (const logarithm of [false, true]) {
    await checkGradients(
      () => sort(x('s', 'B', 3), { temperature: x('t'), mask: input('m', ['B', 3], 'bool'), logarithm }),
      feeds,
    );
  }
});

test.each(OPERATORS)('%s of lists whose length is known only at run time is the same', async (_, sort) => {
  const feeds = {
    s: floats([
      [0.5, -1, 2],
      [1, 1, 0],
    ]),
    m: bools([
      [1, 1, 1],
      [1, 1, 0],
    ]),
  };
  for (const logarithm of [false, true]) {
    const options = (n: number | string) => ({ mask: input('m', ['B', n], 'bool'), logarithm });
    const known = await valuesOf(() => sort(x('s', 'B', 3), options(3)), feeds);
    expectClose(await valuesOf(() => sort(x('s', 'B', 'L'), options('L')), feeds), known);
    expectClose(
      await valuesOf(() => sort(x('s', 'B', 'L'), { logarithm }), feeds),
      await valuesOf(() => sort(x('s', 'B', 3), { logarithm }), feeds),
    );
  }
});
