import { expect, test } from 'vitest';
import { matches, trainingOptions } from './config.js';

test.each([
  ['tables/*', 'tables/item.genres', true],
  ['tables/*', 'user/tables/x', false],
  ['*/bias', 'user/tower/layer1/dense/bias', true],
  ['*/bias', 'user/bias/weight', false],
  ['user/*/weight', 'user/tower/layer1/dense/weight', true],
  ['tables/item.genres', 'tables/itemXgenres', false],
  ['user', 'user/scale', false],
  ['*', 'anything/at/all', true],
  ['a+(b)', 'a+(b)', true],
])('%s covers %s: %s', (pattern, path, expected) => {
  expect(matches(pattern, path)).toBe(expected);
});

test('an empty section is complete, and unknown keys are errors at every level', () => {
  const { optimizer, objectives } = trainingOptions.parse({});
  expect(optimizer).toEqual({ name: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  expect(objectives).toEqual([{ loss: 'bce', weight: 1 }]);
  for (const wrong of [{ epoch: 3 }, { schedule: { warm: 3 } }, { groups: [{ match: '*', decay: 1 }] }]) {
    expect(trainingOptions.safeParse(wrong).success).toBe(false);
  }
});
