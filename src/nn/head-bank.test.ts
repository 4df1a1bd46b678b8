import { expect, test } from 'vitest';
import { headBank } from './head-bank.js';
import { expectClose } from './testing/expect-close.js';
import { checkGradients } from './testing/gradient-check.js';
import { run, x } from './testing/run.js';
import { floats, uneven } from './testing/values.js';

test('heads are consecutive columns of one linear layer', async () => {
  const parameters = { 'bank/weight': [1, 2, 3, 4, 10, 20, 30, 40], 'bank/bias': [0, 0, 0, 0.5] };
  const { y } = await run(
    () => ({ y: headBank('bank', x('x', 'B', 2), 2, 2) }),
    {
      x: floats([
        [1, 1],
        [2, 0],
      ]),
    },
    { parameters },
  );
  expect(y.shape).toEqual([2, 2, 2]);
  expectClose(y.values, [11, 22, 33, 44.5, 2, 4, 6, 8.5]);
});

test('gradients', async () => {
  await checkGradients(() => headBank('bank', x('x', 'B', 3), 2, 2), { x: uneven([2, 3]) });
});
