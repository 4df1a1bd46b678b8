import { expect, test } from 'vitest';
import { gradients, input, reduceSum } from '../../graph/index.js';
import { expectClose } from '../testing/expect-close.js';
import { checkGradients } from '../testing/gradient-check.js';
import { run, valuesOf, x } from '../testing/run.js';
import { floats, ints, uneven } from '../testing/values.js';
import bce, { binaryCrossEntropy } from './bce.js';

const build = () => {
  const rows = input('rows', ['P'], 'int32');
  const context = {
    logits: x('logits', 'P'),
    label: x('label', 'P'),
    weight: x('weight', 'P'),
    request: rows,
    itemRow: rows,
  };
  return bce.build(context, bce.options.parse({}));
};

test('the weighted mean by hand', async () => {
  // −ln σ(0) = ln 2 once, −ln(1 − σ(ln 3)) = ln 4 three times.
  const feeds = { logits: floats([0, Math.log(3)]), label: floats([1, 0]), weight: floats([1, 3]) };
  expect((await valuesOf(build, feeds))[0]).toBeCloseTo((7 / 4) * Math.LN2, 6);
});

test('far logits neither overflow nor lose a small loss', async () => {
  const feeds = { logits: floats([1000, -1000, 1000, -1000, 20, -20]), label: floats([1, 0, 0, 1, 1, 0]) };
  const y = await valuesOf(() => binaryCrossEntropy(x('logits', 'P'), x('label', 'P')), feeds);
  expect(y.slice(0, 4)).toEqual([0, 0, 1000, 1000]);
  expect(y[4]! / Math.exp(-20)).toBeCloseTo(1, 4);
  expect(y[5]! / Math.exp(-20)).toBeCloseTo(1, 4);
});

test('gradients, also at logit 0 and for soft labels', async () => {
  const feeds = { logits: floats([0, 0, Math.log(3)]), label: floats([0, 1, 0.5]) };
  const { slope } = await run(() => {
    const logits = x('logits', 'P');
    return { slope: gradients(reduceSum(binaryCrossEntropy(logits, x('label', 'P'))), [logits])[0]! };
  }, feeds);
  expectClose(slope.values, [0.5, -0.5, 0.25]);
  const wide = { logits: uneven([3]), label: feeds.label, weight: floats([1, 2, 0.5]), rows: ints([0, 0, 0]) };
  await checkGradients(build, wide, { wrt: ['logits'] });
});

test('no weight gives no loss', async () => {
  expect(await valuesOf(build, { logits: floats([3]), label: floats([0]), weight: floats([0]) })).toEqual([0]);
});
