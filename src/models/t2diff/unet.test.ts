import { expect, test } from 'vitest';
import { run, x } from '../../nn/testing/run.js';
import { floats } from '../../nn/testing/values.js';
import { extend, layout, stepCodes, unet } from './unet.js';

test.each([
  [50, 4, { padding: 'valid', before: 22, after: 22 }],
  [34, 4, { padding: 'valid', before: 22, after: 22 }],
  [4, 2, { padding: 'valid', before: 4, after: 4 }],
  [50, 1, { padding: 'valid', before: 1, after: 1 }],
  // 20 + 2 halves to 11, which does not halve again.
  [20, 4, { padding: 'same', before: 4, after: 0 }],
  // The published layout would mirror 22 positions of 18.
  [18, 4, { padding: 'same', before: 6, after: 0 }],
  [16, 4, { padding: 'same', before: 0, after: 0 }],
])('a list of %i on %i levels', (length, levels, wanted) => {
  expect(layout(length, levels)).toEqual(wanted);
});

test.each([
  [50, 4],
  [4, 2],
  [20, 4],
  [1, 3],
])('gives back a list of %i from %i levels', async (length, levels) => {
  const make = () => ({ y: unet(extend(x('x', 'B', length, 4), layout(length, levels)), 2, levels, length) });
  const ramp = Array.from({ length }, (_, i) => [i, -i, 1, Math.sin(i)]);
  const { y } = await run(make, { x: floats([ramp, ramp]) });
  expect(y.shape).toEqual([2, length, 2]);
  expect(y.values.every(Number.isFinite)).toBe(true);
});

test('step codes are sines of the step over powers of two', () => {
  const codes = stepCodes(3, 4);
  expect(codes.length).toBe(3);
  expect(codes[2]).toEqual([3, 1.5, 0.75, 0.375].map((angle) => 0.01 * Math.sin(angle)));
});
