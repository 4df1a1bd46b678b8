import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalKey, RawTable } from './raw-table.js';

test.each([
  [7, 7],
  ['7', 7],
  ['7.0', 7],
  [7n, 7],
  [-0, 0],
  ['-12', -12],
  ['007', '007'],
  ['+7', '+7'],
  ['1e3', '1e3'],
  ['-0', '-0'],
  [1.5, '1.5'],
  ['99999999999999999999', '99999999999999999999'],
  [2 ** 60, String(2 ** 60)],
  ['', undefined],
  [Number.NaN, undefined],
  [null, undefined],
  [{}, undefined],
  ['__proto__', '__proto__'],
])('the key %s is known as %s', (key, known) => {
  expect(canonicalKey(key)).toBe(known);
});

test('a whole number and its text are one key, and different numbers are different keys', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.maxSafeInteger(), (a, b) => {
      expect(canonicalKey(String(a))).toBe(canonicalKey(a));
      expect(canonicalKey(BigInt(a))).toBe(canonicalKey(a));
      expect(canonicalKey(a) === canonicalKey(b)).toBe(a === b);
    }),
  );
});

const table = () =>
  RawTable.of(
    ['', '5', 'b', '7'],
    new Map<string, Float64Array | (string | null)[]>([
      ['name', [null, 'five', null, 'seven']],
      ['price', Float64Array.of(Number.NaN, 1.5, Number.NaN, 0)],
    ]),
  );

test('rows are found by any form of their key, unknown ones are row 0', () => {
  const { rowOf } = { rowOf: (key: string | number | bigint) => table().rowOf(key) };
  expect([5, '5', 5n, 'b', 7, 8, '', '__proto__', Number.NaN].map(rowOf)).toEqual([1, 1, 1, 2, 3, 0, 0, 0, 0]);
});

test('values that are not there are left out', () => {
  expect(table().values(1)).toEqual({ name: 'five', price: 1.5 });
  expect(table().values(2)).toEqual({});
  expect(table().values(0)).toEqual({});
  expect(table().value(3, 'price')).toBe(0);
  expect(table().value(2, 'price')).toBeUndefined();
  expect(table().value(1, 'nothing')).toBeUndefined();
});

test('a key changes over to another row, which keeps its values after the key is gone', () => {
  const items = table();
  items.write(4, 'b', { name: 'new' });
  expect(items.rowOf('b')).toBe(2);
  items.point('b', 4);
  expect([items.rowOf('b'), items.value(4, 'name'), items.value(4, 'toString')]).toEqual([4, 'new', undefined]);
  expect(items.remove('b')).toBe(4);
  expect([items.rowOf('b'), items.keyOf(4), items.size]).toEqual([0, 'b', 2]);
  expect(items.remove('b')).toBe(0);
});

test('rows are found as in a map, whatever keys come and go', () => {
  const key = fc.oneof(fc.integer({ min: -3, max: 60 }), fc.constantFrom(1.5, 'b', '7.0', 1e9, '12'));
  const change = fc.record({ key, row: fc.integer({ min: 1, max: 9 }), on: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), fc.array(key, { maxLength: 30 }), (changes, asked) => {
      const items = table();
      const expected = new Map([
        ['5', 1],
        ['b', 2],
        ['7', 3],
      ]);
      for (const { key, row, on } of changes) {
        if (on) {
          items.point(key, row);
          expected.set(String(canonicalKey(key)), row);
        } else {
          expect(items.remove(key)).toBe(expected.get(String(canonicalKey(key))) ?? 0);
          expected.delete(String(canonicalKey(key)));
        }
      }
      for (const key of asked) expect(items.rowOf(key)).toBe(expected.get(String(canonicalKey(key))) ?? 0);
      expect(items.size).toBe(expected.size);
    }),
  );
});
