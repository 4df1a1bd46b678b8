import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyAt, packKeys, rowOfKey } from './packed-keys.js';

const key = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 5 }),
  fc.constantFrom('7', '07', 'é', '\ud800', '\0', '__proto__', 'x'.repeat(10_000)),
  fc.maxSafeInteger(),
  fc.integer({ min: -5, max: 5 }),
);

test('keys are found as in a map, numbers and texts apart, and come back as they were', () => {
  fc.assert(
    fc.property(fc.array(key, { maxLength: 60 }), fc.array(key, { maxLength: 20 }), (keys, asked) => {
      const all = ['', ...keys.map((one) => (Object.is(one, -0) ? 0 : one))];
      const packed = packKeys(all);
      const expected = new Map(all.map((one, row) => [one, row] as const).slice(1));
      expect(packed.size).toBe(expected.size);
      for (const one of [...all, ...asked, ...asked.map(String)]) {
        expect(rowOfKey(packed, one)).toBe(expected.get(one) ?? 0);
      }
      all.forEach((one, row) => {
        if (row > 0) expect(keyAt(packed, row)).toBe(one);
      });
    }),
  );
});

test('keys that follow each other, and whole millions, stay near the place their hash says', () => {
  for (const step of [1, 1024, 1e6, 2 ** 32]) {
    const keys = Array.from({ length: 4000 }, (_, i) => i * step);
    const { slots } = packKeys([0, ...keys]);
    // A run of full slots is what a search may have to pass.
    let longest = 0;
    for (let slot = 0, run = 0; slot < slots.length; slot++) {
      run = slots[slot] === 0 ? 0 : run + 1;
      longest = Math.max(longest, run);
    }
    expect(longest).toBeLessThan(100);
  }
});

test('keys stand where versions that were published have them: another place needs another FORMAT of the manifest', () => {
  const { slots } = packKeys(['', 'a', 7, -3, 'ß', '007']);
  expect([...slots]).toEqual([0, 0, 0, 1, 2, 4, 0, 0, 0, 3, 5, 0, 0, 0, 0, 0]);
});
