import { test } from 'vitest';
import { type SqueezeExcitationOptions, sigmoidGate, softmaxGate, squeezeExcitation } from './gates.js';
import { expectClose } from './testing/expect-close.js';
import { checkGradients } from './testing/gradient-check.js';
import { valuesOf, x } from './testing/run.js';
import { floats, uneven } from './testing/values.js';

const logits = { x: floats([[Math.log(3), 0]]) };
const identity = { 'g/gate/weight': [1, 0, 0, 1] };
const pair = () => x('x', 'B', 2);

test('gates between 0 and their scale, or sharing 1', async () => {
  expectClose(await valuesOf(() => sigmoidGate('g', pair(), 2), logits, { parameters: identity }), [0.75, 0.5]);
  expectClose(
    await valuesOf(() => sigmoidGate('g', pair(), 2, { scale: 2 }), logits, { parameters: identity }),
    [1.5, 1],
  );
  expectClose(await valuesOf(() => softmaxGate('g', pair(), 2), logits, { parameters: identity }), [0.75, 0.25]);
  // A hidden layer of one unit: relu(−ln 3 + 1·0) = 0 closes what the weight 9 would open.
  const parameters = { 'g/hidden/weight': [-1, 1], 'g/gate/weight': [9, 9] };
  expectClose(await valuesOf(() => sigmoidGate('g', pair(), 2, { hidden: 1 }), logits, { parameters }), [0.5, 0.5]);
});

test.each<[string, SqueezeExcitationOptions, number[]]>([
  // Means ln 3 and 0 of two fields: factors 3/4 and 1/4 that sum to 1, or each by itself 3/4 and 1/2.
  [
    'Light-SE',
    { gate: 'softmax', residual: true, bias: false },
    [1.75 * (Math.log(3) + 1), 1.75 * (Math.log(3) - 1), 2.5, -2.5],
  ],
  ['sigmoid', {}, [0.75 * (Math.log(3) + 1), 0.75 * (Math.log(3) - 1), 1, -1]],
  ['relu', { gate: 'relu' }, [Math.log(3) * (Math.log(3) + 1), Math.log(3) * (Math.log(3) - 1), 0, 0]],
])('squeeze and excitation: %s', async (_, options, wanted) => {
  const fields = floats([
    [
      [Math.log(3) + 1, Math.log(3) - 1],
      [2, -2],
    ],
  ]);
  const y = await valuesOf(
    () => squeezeExcitation('g', x('f', 'B', 2, 2), options),
    { f: fields },
    { parameters: identity },
  );
  expectClose(y, wanted);
});

test('gradients', async () => {
  const feeds = { f: uneven([2, 4, 3]) };
  await checkGradients(() => squeezeExcitation('g', x('f', 'B', 4, 3), { hidden: 2, residual: true }), feeds);
  await checkGradients(() => squeezeExcitation('g', x('f', 'B', 4, 3), { gate: 'softmax', bias: false }), feeds);
});
