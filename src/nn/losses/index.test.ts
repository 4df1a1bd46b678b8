import { expect, test } from 'vitest';
import { LOSSES } from './index.js';

test('names are unique and defaults complete; unknown options are errors', () => {
  expect(new Set(LOSSES.map(({ name }) => name)).size).toBe(LOSSES.length);
  for (const { name, options } of LOSSES) {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(options.safeParse({}).success).toBe(true);
    expect(options.safeParse({ temprature: 1 }).success).toBe(false);
  }
});
