import fc from 'fast-check';
import { expect, test } from 'vitest';
import { input } from '../graph/index.js';
import { type BagMode, bag } from './bag.js';
import { checkGradients } from './testing/gradient-check.js';
import { run, x } from './testing/run.js';
import { floats, ints, uneven } from './testing/values.js';

const MODES = ['sum', 'mean', 'max'] as const;
const make = (mode: BagMode) => bag(x('values', 'V', 2), input('segments', ['V'], 'int32'), x('lists', 'B', 1), mode);

test.each<[BagMode, number[]]>([
  ['sum', [-4, 20, 0, 0, 5, 0]],
  ['mean', [-2, 10, 0, 0, 5, 0]],
  ['max', [-1, 17, 0, 0, 5, 0]],
])('%s of ragged lists in any order; an empty one gives zeros', async (mode, wanted) => {
  const feeds = {
    values: floats([
      [-1, 3],
      [5, 0],
      [-3, 17],
    ]),
    segments: ints([0, 2, 0]),
    lists: floats([[0], [0], [0]]),
  };
  const { y } = await run(() => ({ y: make(mode) }), feeds);
  expect(y.shape).toEqual([3, 2]);
  expect(y.values).toEqual(wanted);
});

test('bags equal loops', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(3), fc.integer({ min: -9, max: 9 })), { minLength: 1, maxLength: 12 }),
      async (rows) => {
        const feeds = {
          values: floats(rows.map(([, value]) => [value, -value])),
          segments: ints(rows.map(([list]) => list)),
          lists: floats([[0], [0], [0], [0]]),
        };
        const found = await run(() => ({ sum: make('sum'), mean: make('mean'), max: make('max') }), feeds);
        for (let list = 0; list < 4; list++) {
          const own = rows.filter(([at]) => at === list).map(([, value]) => value);
          const sum = own.reduce((a, b) => a + b, 0);
          expect(found.sum.values[2 * list]).toBeCloseTo(sum, 5);
          expect(found.mean.values[2 * list]).toBeCloseTo(own.length === 0 ? 0 : sum / own.length, 5);
          expect(found.max.values[2 * list]).toBeCloseTo(own.length === 0 ? 0 : Math.max(...own), 5);
        }
      },
    ),
    { seed: 1, numRuns: 15 },
  );
});

test.each(MODES)('gradients, %s', async (mode) => {
  await checkGradients(() => make(mode), {
    values: uneven([4, 2]),
    segments: ints([2, 0, 2, 0]),
    lists: floats([[0], [0], [0]]),
  });
});
