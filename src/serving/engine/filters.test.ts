import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FieldPredicate } from '../contract.js';
import { Filters } from './filters.js';
import type { RawColumn } from './packed-column.js';
import { RawTable } from './raw-table.js';

function items() {
  const table = RawTable.of(
    ['', 'a', 'b', 'c', 'd'],
    new Map<string, RawColumn>([
      ['brand', [null, 'x', 'y', null, 'x']],
      ['price', Float64Array.of(Number.NaN, 1, 2.5, 4, Number.NaN)],
      ['tags', [null, ['s', 't'], [], ['t'], null]],
    ]),
  );
  const isItem = new Set([1, 2, 3, 4]);
  return {
    table,
    isItem,
    filters: new Filters(
      table,
      () => 8,
      (row) => isItem.has(row),
    ),
  };
}

function found(...where: FieldPredicate[]) {
  const { allow, count } = items().filters.mask(where);
  const rows = [...allow.keys()].filter((row) => allow[row] === 1);
  expect(rows.length).toBe(count);
  return rows;
}

test.each<[FieldPredicate, number[]]>([
  [{ field: 'brand', equals: 'x' }, [1, 4]],
  [{ field: 'brand', in: ['y', 'z'] }, [2]],
  [{ field: 'brand', notIn: ['x'] }, [2]],
  [{ field: 'brand', exists: false }, [3]],
  [{ field: 'brand', exists: true }, [1, 2, 4]],
  [{ field: 'price', atLeast: 2.5 }, [2, 3]],
  [{ field: 'price', above: 2.5 }, [3]],
  [{ field: 'price', atMost: 2.5, above: 1 }, [2]],
  [{ field: 'price', below: 2.5 }, [1]],
  [{ field: 'price', equals: 1 }, [1]],
  [{ field: 'price', equals: '2.5' }, [2]],
  [{ field: 'tags', equals: 't' }, [1, 3]],
  [{ field: 'tags', notIn: ['s'] }, [3]],
  [{ field: 'tags', exists: false }, [2, 4]],
  [{ field: 'brand', equals: 'x', in: ['y'] }, []],
])('%j', (where, rows) => {
  expect(found(where)).toEqual(rows);
});

test('all conditions must hold', () => {
  expect(found({ field: 'brand', equals: 'x' }, { field: 'price', exists: true })).toEqual([1]);
});

test('an unknown column is named', () => {
  expect(() => items().filters.mask([{ field: 'prize', equals: 1 }])).toThrow('did you mean "price"?');
});

test('a kept answer stays what working it out anew would give, whatever changes', () => {
  const change = fc.record({
    row: fc.integer({ min: 1, max: 7 }),
    on: fc.boolean(),
    price: fc.integer({ min: 0, max: 4 }),
  });
  const where: FieldPredicate[] = [{ field: 'price', atLeast: 2 }];
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
      const { table, isItem, filters } = items();
      filters.mask(where);
      for (const { row, on, price } of changes) {
        if (on) {
          table.write(row, `k${row}`, { price });
          isItem.add(row);
        } else isItem.delete(row);
        filters.changed(row, on);
      }
      const kept = filters.mask(where);
      const anew = new Filters(
        table,
        () => 8,
        (row) => isItem.has(row),
      ).mask(where);
      expect([...kept.allow]).toEqual([...anew.allow]);
      expect(kept.count).toBe(anew.count);
    }),
  );
});
