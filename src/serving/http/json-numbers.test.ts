import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonNumbers } from './json-numbers.js';

test('keys come back as they are, in the order asked for', () => {
  const key = fc.oneof(
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc.maxSafeInteger(),
    fc.constantFrom(0, 9, 10, 99, 100),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  );
  fc.assert(
    fc.property(fc.array(key), fc.array(fc.nat()), fc.nat(50), (keys, places, capacity) => {
      const order = Uint32Array.from(keys.length === 0 ? [] : places, (place) => place % keys.length);
      const json = new JsonNumbers(capacity);
      json.keys(keys, order);
      const wanted = Array.from(order, (at) => (typeof keys[at] === 'bigint' ? String(keys[at]) : keys[at]));
      expect(JSON.parse(json.done().toString())).toEqual(wanted);
    }),
  );
});

test('scores come back to a millionth', () => {
  const score = fc.oneof(
    fc.float(),
    fc.float({ min: -20, max: 20, noNaN: true }),
    fc.constantFrom(1e-7, -1e-7, 0.1, 9.9999999, -0),
  );
  fc.assert(
    fc.property(fc.array(score), (list) => {
      const scores = Float32Array.from(list);
      const json = new JsonNumbers(0);
      json.scores(scores);
      const back = JSON.parse(json.done().toString()) as (number | null)[];
      expect(back).toHaveLength(scores.length);
      scores.forEach((value, i) => {
        if (!Number.isFinite(value)) expect(back[i]).toBeNull();
        else expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(Math.max(5.001e-7, 1e-7 * Math.abs(value)));
      });
    }),
    { numRuns: 300 },
  );
});

test('what was written before stays as it was', () => {
  const json = new JsonNumbers(0);
  json.scores(Float32Array.of(1, 2));
  const first = json.done();
  json.text('longer than what was there before');
  expect(json.done().toString()).toBe('longer than what was there before');
  expect(first.toString()).toBe('[1,2]');
});

test.each([
  [0, '0'],
  [-0, '0'],
  [1, '1'],
  [-1.5, '-1.500000'],
  [0.000001, '0.000001'],
  [-0.0000001, '0'],
  [9.9999999, '10'],
  [12345.25, '12345.250000'],
  [3e9, '3000000000'],
  [Number.NaN, 'null'],
  [Number.NEGATIVE_INFINITY, 'null'],
])('%d is written %s', (score, text) => {
  const json = new JsonNumbers(0);
  json.scores(Float32Array.of(score));
  expect(json.done().toString()).toBe(`[${text}]`);
});
