import { expect, test } from 'vitest';
import { input } from '../graph/index.js';
import { maskedSoftmax } from './masked-softmax.js';
import { expectClose } from './testing/expect-close.js';
import { checkGradients } from './testing/gradient-check.js';
import { run, x } from './testing/run.js';
import { bools, floats } from './testing/values.js';

const masked = () => maskedSoftmax(x('scores', 'B', 3), input('mask', ['B', 3], 'bool'));

test('masked positions get nothing, the others share 1, an empty row is all zeros', async () => {
  const scores = floats([
    [Math.log(3), 0, 50],
    [1, 2, 3],
  ]);
  const mask = bools([
    [1, 1, 0],
    [0, 0, 0],
  ]);
  const { y } = await run(() => ({ y: masked() }), { scores, mask });
  expect(y.shape).toEqual([2, 3]);
  expectClose(y.values, [0.75, 0.25, 0, 0, 0, 0]);
  await checkGradients(masked, { scores, mask });
});
