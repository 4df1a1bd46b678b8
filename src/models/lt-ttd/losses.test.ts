import { expect, test } from 'vitest';
import { Build, gradients, input, type Tensor } from '../../graph/index.js';
import { listNet } from '../../nn/losses/listwise-softmax.js';
import { checkGradients } from '../../nn/testing/gradient-check.js';
import { run, valuesOf, x } from '../../nn/testing/run.js';
import { bools, floats, uneven } from '../../nn/testing/values.js';
import { agreement, distillation } from './losses.js';

const mask = () => input('mask', ['B', 3], 'bool');
const a = () => x('a', 'B', 3);
const b = () => x('b', 'B', 3);

function shares(scores: number[]): number[] {
  const exponentials = scores.map(Math.exp);
  return exponentials.map((e) => e / exponentials.reduce((sum, value) => sum + value, 0));
}

test('listNet: cross-entropy with the shares of the labels, over the lists that have a positive', async () => {
  const feeds = {
    a: floats([
      [1, 2, 9],
      [0, 1, 2],
      [5, 5, 5],
    ]),
    b: floats([
      [1, 3, 7],
      [0, 0, 0],
      [0, 2, 0],
    ]),
    mask: bools([
      [1, 1, 0],
      [1, 1, 1],
      [1, 1, 1],
    ]),
  };
  const [p] = [shares([1, 2])];
  const first = -(Math.log(p[0]!) / 4 + (3 * Math.log(p[1]!)) / 4);
  const found = await valuesOf(() => listNet(a(), b(), mask()), feeds);
  expect(found[0]).toBeCloseTo((first + Math.log(3)) / 2, 5);
});

test('distillation: τ²·KL of the softened shares, of those that are there', async () => {
  const feeds = { a: floats([[2, -2, 8]]), b: floats([[1, 1, -3]]), mask: bools([[1, 1, 0]]) };
  const [p, q] = [shares([1, -1]), shares([0.5, 0.5])];
  const wanted = 4 * (p[0]! * Math.log(p[0]! / q[0]!) + p[1]! * Math.log(p[1]! / q[1]!));
  const { y, same } = await run(
    () => ({ y: distillation(a(), b(), mask(), 2), same: distillation(a(), a(), mask(), 2) }),
    feeds,
  );
  expect(y.values[0]).toBeCloseTo(wanted, 5);
  expect(same.values).toEqual([0]);
});

test('only the student learns', async () => {
  const [teacher, student] = [a(), b()];
  const flows = new Build(true).run(() => gradients(distillation(teacher, student, mask(), 2), [teacher, student]));
  expect(flows.map((flow: Tensor | undefined) => flow !== undefined)).toEqual([false, true]);
  const feeds = {
    a: uneven([2, 3], 1),
    b: uneven([2, 3], 2),
    mask: bools([
      [1, 1, 1],
      [1, 0, 1],
    ]),
  };
  await checkGradients(() => distillation(a(), b(), mask(), 2), feeds, { wrt: ['b'] });
  await checkGradients(
    () => listNet(b(), x('labels', 'B', 3), mask()),
    {
      ...feeds,
      labels: floats([
        [1, 0, 2],
        [0, 1, 1],
      ]),
    },
    { wrt: ['b'] },
  );
});

test('agreement counts lists with one best candidate, among those that are there', async () => {
  const feeds = {
    a: floats([
      [1, 2, 9],
      [3, 1, 2],
    ]),
    b: floats([
      [0, 5, 1],
      [0, 5, 1],
    ]),
    mask: bools([
      [1, 1, 0],
      [1, 1, 1],
    ]),
  };
  expect(await valuesOf(() => agreement(a(), b(), mask()), feeds)).toEqual([0.5]);
});
