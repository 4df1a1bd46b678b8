import { expect, test } from 'vitest';
import { Random } from '../../random.js';
import { fitLogistic, logitsOf } from './logistic-regression.js';

test('one feature with two values: the weights are the log-odds of the shares', () => {
  // Of those with 0 one in four, of those with 1 three in four.
  const x = Float64Array.of(0, 0, 0, 0, 1, 1, 1, 1);
  const [slope, constant] = fitLogistic([x], Uint8Array.of(1, 0, 0, 0, 1, 1, 1, 0));
  expect(constant).toBeCloseTo(Math.log(1 / 3), 6);
  expect(slope).toBeCloseTo(2 * Math.log(3), 6);
});

test('nothing is more likely than what it finds, and a feature that stands there twice does no harm', () => {
  const random = Random.of(4);
  const draw = () => Float64Array.from({ length: 400 }, () => random.normal());
  const [a, b] = [draw(), draw()];
  const labels = Uint8Array.from(a, (value, i) => Number(random.uniform() < 1 / (1 + Math.exp(-(2 * value - b[i]!)))));
  const columns = [a, b, a];
  const loss = (weights: Float64Array) =>
    logitsOf(weights, columns).reduce(
      (sum, logit, i) => sum + Math.log1p(Math.exp(labels[i] === 1 ? -logit : logit)),
      0,
    );
  const found = fitLogistic(columns, labels);
  const least = loss(found);
  for (let i = 0; i < found.length; i++) {
    for (const step of [-0.05, 0.05])
      expect(loss(found.map((w, j) => (i === j ? w + step : w)))).toBeGreaterThan(least);
  }
});
