import { expect, test } from 'vitest';
import { input, matMul, multiply, reduceSum, relu, sigmoid, type Tensor } from '../index.js';
import { levelsOf } from './levels.js';
import { exchange } from './placement.js';

/** In the order in which they can be computed. */
function ordered(node: Tensor, seen = new Set<Tensor>()): Tensor[] {
  if (seen.has(node)) return [];
  seen.add(node);
  return [...node.inputs.flatMap((one) => ordered(one, seen)), node];
}

const handing = { isFree: ({ inputs }: Tensor) => inputs.length === 0, isCheap: () => false };
const levels = (output: Tensor) => levelsOf(ordered(output), ({ inputs }) => inputs, new Set([output]), handing);

const x = input('x', ['B', 8]);
const sum = exchange('sum', reduceSum(x), []);

test('what grows waits until it is read', () => {
  const wide = sigmoid(matMul(x, input('w', [8, 100])));
  expect(levels(reduceSum(multiply(wide, sum))).get(wide)).toBe(1);
});

test('what shrinks is made while its inputs are there', () => {
  const wide = sigmoid(matMul(x, input('w', [8, 100])));
  const first = exchange('sum', reduceSum(wide), []);
  const narrow = reduceSum(relu(wide), -1, true);
  const found = levels(reduceSum(multiply(narrow, first)));
  expect([found.get(wide), found.get(narrow)]).toEqual([0, 0]);
});
