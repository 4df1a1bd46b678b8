import { expect, test } from 'vitest';
import { innerProductAt } from './inner-product.js';

test.each([0, 1, 3, 4, 5, 8, 11])('of %i values, from any place', (width) => {
  const a = Float32Array.from({ length: 16 }, (_, i) => i + 1);
  const b = Float32Array.from({ length: 16 }, (_, i) => 2 ** (i % 7));
  let expected = 0;
  for (let k = 0; k < width; k++) expected += a[2 + k]! * b[5 + k]!;
  expect(innerProductAt(a, 2, b, 5, width)).toBe(expected);
});
