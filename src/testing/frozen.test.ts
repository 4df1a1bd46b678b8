import { describe, expect, test } from 'vitest';
import { checkGradients } from '../graph/finite-difference.js';
import {
  add,
  greater,
  indicator,
  input,
  multiply,
  random,
  reduceSum,
  sigmoid,
  square,
  stopGradient,
  subtract,
  type Tensor,
  withGradient,
} from '../graph/index.js';
import { frozen } from './frozen.js';

const x = input('x', ['B']);
const feeds = { x: { data: Float32Array.from([0.5, -1.5, 2]), shape: [3] } };

async function check(output: Tensor): Promise<void> {
  const fixed = await frozen(output, feeds, 1);
  await checkGradients(fixed.output, fixed.feeds, { leaves: [x] });
}

describe('frozen', () => {
  test('what gradients are stopped at no longer moves with the difference', async () => {
    const output = reduceSum(multiply(x, stopGradient(multiply(x, 3))));
    await check(output);
    await expect(checkGradients(output, feeds)).rejects.toThrow('gradient of x');
  });

  test('a straight-through estimator has the gradient of its soft part', async () => {
    const soft = sigmoid(x);
    const hard = indicator(greater(soft, 0.5));
    await check(reduceSum(square(add(soft, stopGradient(subtract(hard, soft))))));
  });

  test('random numbers are the same for a difference and for a gradient written by hand that asks for them again', async () => {
    const mask = random({ kind: 'dropout', rate: 0.5 }, ['B']);
    const noise = random({ kind: 'normal' }, ['B']);
    const value = multiply(multiply(x, mask), noise);
    const byHand = withGradient(value, [x], (upstream) => [multiply(multiply(upstream, mask), noise)]);
    await check(reduceSum(add(square(byHand), multiply(x, stopGradient(value)))));
  });

  test('a wrong gradient is still found', async () => {
    const wrong = withGradient(square(x), [x], (upstream) => [multiply(upstream, x)]);
    await expect(check(reduceSum(multiply(wrong, stopGradient(x))))).rejects.toThrow('gradient of x');
  });

  test('where nothing is to be fixed, the graph is the same', async () => {
    const output = reduceSum(square(x));
    expect(await frozen(output, feeds, 1)).toEqual({ output, feeds });
  });
});
