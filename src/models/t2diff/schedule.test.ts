import { expect, test } from 'vitest';
import { exponentialSchedule, reverseStep, visitedSteps } from './schedule.js';

const schedule = exponentialSchedule(50, 0.01, 4.5);

test('the exponential schedule of the released configuration', () => {
  const at = (values: number[], ...steps: number[]) => steps.map((t) => Number(values[t - 1]!.toPrecision(3)));
  expect(at(schedule.beta, 1, 10, 25, 40, 50)).toEqual([0.0109, 0.0246, 0.0949, 0.366, 0.9]);
  expect(at(schedule.kept, 1, 10, 25, 40, 50)).toEqual([0.989, 0.843, 0.363, 0.00974, 1.77e-7]);
});

test.each([
  [25, false, 0.09421, 0.89465, 0.2987],
  [25, true, 0.09421, 0.56626, 0.08922],
  [10, false, 0.14534, 0.8542, Math.sqrt(0.02127)],
  [10, true, 0.14534, 0.79397, 0.02127],
])('one step back from %i, released code: %s', (t, released, clean, noised, deviation) => {
  const step = reverseStep(schedule, t, t - 1, released);
  expect(step.clean).toBeCloseTo(clean, 4);
  expect(step.noised).toBeCloseTo(noised, 4);
  expect(step.deviation).toBeCloseTo(deviation, 4);
});

test.each([
  [30, 29],
  [50, 10],
  [7, 1],
])('a step from %i to %i keeps the distribution of the noised sequence', (t, s) => {
  const { kept } = schedule;
  const { clean, noised, deviation } = reverseStep(schedule, t, s, false);
  // With x_t = √ᾱ_t·x_0 + √(1−ᾱ_t)·ε, mean and variance of x_s follow.
  expect(clean + noised * Math.sqrt(kept[t - 1]!)).toBeCloseTo(Math.sqrt(kept[s - 1]!), 6);
  expect(noised ** 2 * (1 - kept[t - 1]!) + deviation ** 2).toBeCloseTo(1 - kept[s - 1]!, 6);
});

test('a shorter chain visits steps evenly apart, from the last to the first', () => {
  expect(visitedSteps(5, 5)).toEqual([5, 4, 3, 2, 1]);
  expect(visitedSteps(50, 3)).toEqual([50, 26, 1]);
  expect(visitedSteps(50, 1)).toEqual([50]);
});
