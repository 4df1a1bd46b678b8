import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kthLargest } from './select.js';

test('is the k-th of the sorted numbers, equal ones counted each, and leaves them as they were', () => {
  const numbers = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(numbers, fc.nat(), (list, draw) => {
      const values = Int32Array.from(list);
      const k = 1 + (draw % list.length);
      expect(kthLargest(values, k)).toBe([...list].sort((a, b) => b - a)[k - 1]);
      expect([...values]).toEqual(list);
    }),
  );
});
