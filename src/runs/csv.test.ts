import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCsv } from './csv.js';

test('whatever is written is read back', () => {
  const cell = fc.oneof(fc.constant(null), fc.string({ minLength: 1 }), fc.constantFrom('a,b', '"', 'x\ny', '\r', ' '));
  const write = (value: string | null) => (value === null ? '' : `"${value.replaceAll('"', '""')}"`);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(cell, cell)),
      fc.constantFrom('\n', '\r\n'),
      fc.constantFrom(',', '\t'),
      fc.boolean(),
      (rows, end, delimiter, closed) => {
        const lines = [['a', 'b'], ...rows.map((row) => row.map(write))].map((row) => row.join(delimiter));
        const text = lines.join(end) + (closed ? end : '');
        expect(parseCsv(text, delimiter, 'f')).toEqual(rows.map(([a, b]) => ({ a, b })));
      },
    ),
  );
});

test.each([
  ['a,b\n1,2\n1,2,3', 'f:3: 3 values where 2 columns are named'],
  ['a,b\n"x\ny",2\n1', 'f:4: 1 values where 2 columns are named'],
  ['a,b,a\n1,2,3', 'f:1: two columns are named "a"'],
  ['a\n"x', 'f:2: a quote is not closed'],
  ['a\n"x"y', 'f:2: text follows a closing quote'],
])('%j', (text, message) => {
  expect(() => parseCsv(text, ',', 'f')).toThrow(message);
});

test('a byte order mark is no part of the first name, empty lines are no rows', () => {
  expect(parseCsv('\uFEFFa\n\n1\n\n', ',', 'f')).toEqual([{ a: '1' }]);
  expect(parseCsv('', ',', 'f')).toEqual([]);
});
