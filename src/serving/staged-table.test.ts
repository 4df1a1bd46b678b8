import { afterAll, expect, test } from 'vitest';
import { Database } from '../data/database.js';
import type { LoadContext } from '../data/tables.js';
import { RawTable } from './engine/raw-table.js';
import { stagedTable } from './staged-table.js';

const db = await Database.open('64MB');
afterAll(() => db.close());

/** Fields as they are staged: owner, column of the data, how it is read, column of the staged table. */
function staged(fields: [owner: string, name: string, input: string, column: string][], display: string[]) {
  return {
    db,
    config: { tables: { items: { display } } },
    fields: fields.map(([owner, column, input, of]) => ({ field: { owner, column }, kind: { input }, column: of })),
  } as unknown as LoadContext;
}

test('what a row has nothing of is nothing, in a column of numbers, of texts and of lists', async () => {
  await db.run(`CREATE OR REPLACE TABLE items AS SELECT * FROM (VALUES
    ('a', 1.5::DOUBLE, 'red', ['x', NULL, 'y'], 'An A'),
    ('b', NULL, NULL, NULL, NULL),
    ('c', 2::DOUBLE, 'red', []::VARCHAR[], 'A "C"')
  ) AS t(key, f0, f1, f2, display0)`);
  const context = staged(
    [
      ['user', 'age', 'number', 'f7'],
      ['item', 'price', 'number', 'f0'],
      ['item', 'my colour', 'text', 'f1'],
      ['item', 'tags', 'texts', 'f2'],
    ],
    ['title'],
  );
  const table = new RawTable(await stagedTable(context, 'item'));
  const values = ['', 'a', 'b', 'c'].map((key) => table.values(table.rowOf(key)));
  expect(values).toEqual([
    {},
    { price: 1.5, 'my colour': 'red', tags: ['x', null, 'y'], title: 'An A' },
    {},
    { price: 2, 'my colour': 'red', tags: [], title: 'A "C"' },
  ]);
  expect(table.size).toBe(3);
});

test('a column that fields read in several ways comes the way that keeps most of it, and once', async () => {
  await db.run(`CREATE OR REPLACE TABLE items AS SELECT 'a' AS key, 7::DOUBLE AS f0, '7' AS f1, 'seven' AS display0`);
  const context = staged(
    [
      ['item', 'size', 'number', 'f0'],
      ['item', 'size', 'text', 'f1'],
    ],
    ['size'],
  );
  const table = new RawTable(await stagedTable(context, 'item'));
  expect([table.columnNames, table.values(1)]).toEqual([['size'], { size: '7' }]);
});

test('of no items at all the columns are known', async () => {
  await db.run('CREATE OR REPLACE TABLE items (key VARCHAR, f0 DOUBLE)');
  const table = new RawTable(await stagedTable(staged([['item', 'price', 'number', 'f0']], []), 'item'));
  expect([table.rows, table.size, table.columnNames]).toEqual([1, 0, ['price']]);
});
