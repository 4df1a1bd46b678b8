import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnReader, packColumn, type RawColumn } from './packed-column.js';

const text = fc.option(fc.oneof(fc.constantFrom('a', 'b', ''), fc.string({ unit: 'binary' })), { nil: null });
const column: fc.Arbitrary<RawColumn> = fc.oneof(
  fc.array(fc.double(), { maxLength: 20 }).map((values) => Float64Array.from(values)),
  fc.array(text, { maxLength: 700 }),
  fc.array(fc.option(fc.array(text, { maxLength: 4 }), { nil: null }), { maxLength: 20 }),
);

test('every value is read as it was, again and again, and none where none was', () => {
  fc.assert(
    fc.property(column, (values) => {
      const packed = packColumn(values);
      const read = columnReader(packed);
      const wanted = Array.from(values as unknown[], (one) => (one === null || Number.isNaN(one) ? undefined : one));
      for (let time = 0; time < 2; time++) expect(wanted.map((_, row) => read(row))).toEqual(wanted);
      expect([read(values.length), read(values.length + 7)]).toEqual([undefined, undefined]);
      // It crosses to another thread without a copy.
      for (const part of Object.values({ ...packed, ...('texts' in packed && packed.texts) })) {
        if (ArrayBuffer.isView(part)) expect(part.buffer).toBeInstanceOf(SharedArrayBuffer);
      }
    }),
  );
});

test('a text that comes often is kept once', () => {
  const packed = packColumn(['one', 'two', null, 'one', 'one']);
  expect(packed).toMatchObject({ kind: 'texts', codes: Int32Array.of(0, 1, -1, 0, 0) });
  expect('texts' in packed && [...packed.texts.starts]).toEqual([0, 3, 6]);
  const long = 'ä'.repeat(10_000);
  expect(columnReader(packColumn([null, long]))(1)).toBe(long);
});
