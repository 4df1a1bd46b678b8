import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { itemFeeds } from '../../data/batches.js';
import { Database } from '../../data/database.js';
import { literal } from '../../data/fields/sql.js';
import { loadRunData } from '../data.js';
import { openRun, type Run } from '../open.js';
import { readConfig } from '../read-config.js';
import { TOY_CONFIG, writeToy } from '../testing/toy.js';
import { trainRun } from '../train.js';
import { exportParquet } from './parquet.js';

let toy: string;
let run: Run;

beforeAll(async () => {
  toy = await mkdtemp(join(tmpdir(), 'twotower-'));
  const file = await writeToy(toy, 300);
  // Its item state is a matrix and a whole number.
  const model = { name: 'fit', embedding: 4, itemHeads: 2, headWidth: 3 };
  await writeFile(file, stringify({ ...TOY_CONFIG, model, training: { epochs: 1, batchSize: 128 } }));
  run = await openRun((await trainRun(readConfig(file), { out: join(toy, 'run') })).folder);
}, 60_000);
afterAll(async () => {
  await run.release();
  await rm(toy, { recursive: true });
});

test('every state of every known item is a row of the Parquet file, bit by bit', async () => {
  const out = join(toy, 'out');
  const table = await exportParquet(run, out);
  expect(JSON.parse(await readFile(join(out, 'items.json'), 'utf8'))).toEqual(table);
  expect(table).toMatchObject({ rows: 40, key: 'item_key' });
  const columns = Object.fromEntries(table.columns.map(({ column, ...one }) => [column, one]));
  expect(columns).toMatchObject({ heads: { dtype: 'float32', shape: [2, 3] }, query: { dtype: 'int32', shape: [] } });

  const dataset = await loadRunData(run.config);
  const rows = Int32Array.from({ length: 40 }, (_, i) => i + 1);
  const states = await run.inference.items(itemFeeds(dataset, rows));
  const db = await Database.open('64MB');
  try {
    const path = literal(join(out, 'items.parquet'));
    const read = await db.rows<Record<string, number[] & number>>(`SELECT * FROM read_parquet(${path})`);
    expect(read.map((row) => row.item_key)).toEqual(dataset.items.keys.slice(1));
    for (const { column, shape } of table.columns) {
      const width = shape.reduce((a, b) => a * b, 1);
      const wanted = Array.from(states[`item.${column}`]!.data);
      expect(read.flatMap((row) => row[column]!)).toEqual(wanted);
      expect(wanted).toHaveLength(40 * width);
    }
  } finally {
    db.close();
  }
  expect(await readFile(join(out, 'model/user.onnx'))).toBeTruthy();
});

test('a folder in use is left alone', async () => {
  await expect(exportParquet(run, toy)).rejects.toThrow('not an empty folder');
});
