import { expect, test } from 'vitest';
import { upqeOurs } from './upqe.js';

test('is made of recall, NDCG and time', () => {
  const { efficiency, arithmetic, geometric, propagation } = upqeOurs(0.5, 0.25, 0.5, 50, 50);
  expect(efficiency).toBe(0.5);
  expect(arithmetic).toBeCloseTo(0.4 * 0.5 + 0.4 * 0.25 + 0.2 * 0.5, 12);
  expect(geometric).toBeCloseTo(0.5 ** 0.4 * 0.25 ** 0.4 * 0.5 ** 0.2, 12);
  expect(propagation).toBe(0.5);
});

test('the geometric form collapses with one part, and nothing is lost behind a retrieval that finds nothing', () => {
  expect(upqeOurs(0, 0, 0, 10, 50)).toMatchObject({ geometric: 0, propagation: 1 });
  expect(upqeOurs(1, 1, 1, 0, 50)).toMatchObject({ arithmetic: 1, geometric: 1 });
  expect(() => upqeOurs(1, 1, 1, 10, 0)).toThrow('budget');
});
