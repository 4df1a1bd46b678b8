import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Distinct } from './distinct.js';

test('numbers distinct keys in order of appearance, like a Map does, round after round', () => {
  const distinct = new Distinct();
  const keys = fc.array(fc.oneof(fc.integer({ min: -3, max: 40 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })), {
    maxLength: 300,
  });
  fc.assert(
    fc.property(keys, (round) => {
      distinct.clear();
      const twin = new Map<number, number>();
      for (const key of round) {
        if (!twin.has(key)) twin.set(key, twin.size);
        expect(distinct.add(key)).toBe(twin.get(key));
      }
      expect([...distinct.keys()]).toEqual([...twin.keys()]);
      expect(distinct.count).toBe(twin.size);
    }),
    { seed: 1 },
  );
});
