import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testing/folder.js';
import { RawTable } from './engine/raw-table.js';
import { readTable } from './tables.js';

test('what a row has nothing of is nothing, in a column of numbers, of texts and of lists', async () => {
  const file = join(await temporaryFolder(), 'items.parquet');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`COPY (SELECT * FROM (VALUES
    ('a', 1.5::DOUBLE, 'red', ['x', NULL, 'y']),
    ('b', NULL, NULL, NULL),
    ('c', 2::DOUBLE, 'red', []::VARCHAR[])
  ) AS t("$key", price, colour, tags)) TO '${file}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
  const table = new RawTable(await readTable(file));
  const values = ['', 'a', 'b', 'c'].map((key) => table.values(table.rowOf(key)));
  expect(values).toEqual([
    {},
    { price: 1.5, colour: 'red', tags: ['x', null, 'y'] },
    {},
    { price: 2, colour: 'red', tags: [] },
  ]);
});
