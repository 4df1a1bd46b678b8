import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { arrayValue } from '@duckdb/node-api';
import { Database } from '../../data/database.js';
import type { Dataset } from '../../data/dataset.js';
import { identifier, literal } from '../../data/fields/sql.js';
import { writeFolderAtomic } from '../../files.js';
import type { FeedArray } from '../../schema.js';
import type { RunDataOptions } from '../data.js';
import { exportModel } from '../export.js';
import { refuseUsedFolder } from '../folder.js';
import type { Run } from '../open.js';
import { itemStates, loadItems } from './item-states.js';

/** The column of the items' keys; the others are named after the states. */
const KEY = 'item_key';

/** What `items.json` beside `items.parquet` says. */
export interface ItemTable {
  format: 1;
  rows: number;
  key: typeof KEY;
  /** Each state's values are one list in row-major order; a state of one number an item has no shape and is no list. */
  columns: { column: string; dtype: 'float32' | 'int32'; shape: number[] }[];
  /** States whose inner product retrieves, where the model has them: that of the user part's output, and a column. */
  retrieval?: { user: string; item: string };
}

/**
 * Writes the states of all items as Parquet for any vector engine, and the ONNX files that the other side of a request needs:
 * `items.parquet`, `items.json` and the folder `model`, whole or not at all.
 *
 * @throws USAGE when the folder is in use, RUN_INVALID and DATA_… of the run's data
 */
export async function exportParquet(run: Run, folder: string, options: RunDataOptions = {}): Promise<ItemTable> {
  refuseUsedFolder(folder);
  const dataset = await loadItems(run, options);
  const { inference, schema, config, record, model } = run;
  let columns: ItemTable['columns'] = [];
  let rows = 0;
  await writeFolderAtomic(folder, async (temporary) => {
    await exportModel(inference, schema, config, record, join(temporary, 'model'));
    ({ columns, rows } = await writeItems(join(temporary, 'items.parquet'), run, dataset));
    const { retrieval } = model;
    const table: ItemTable = { format: 1, rows, key: KEY, columns, ...(retrieval && { retrieval }) };
    await writeFile(join(temporary, 'items.json'), `${JSON.stringify(table, null, 2)}\n`);
  });
  return { format: 1, rows, key: KEY, columns, ...(model.retrieval && { retrieval: model.retrieval }) };
}

async function writeItems(file: string, run: Run, dataset: Dataset): Promise<Pick<ItemTable, 'columns' | 'rows'>> {
  const columns = Object.entries(run.inference.parts.item).map(([name, { dtype, shape }]) => ({
    column: name.slice('item.'.length),
    dtype: dtype as 'float32' | 'int32',
    shape: shape.slice(1) as number[],
  }));
  const widths = columns.map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  const typed = columns.map(({ column, dtype, shape }, i) => {
    const list = shape.length === 0 ? '' : `[${widths[i]}]`;
    return `${identifier(column)} ${dtype === 'int32' ? 'INTEGER' : 'FLOAT'}${list}`;
  });
  let rows = 0;
  const db = await Database.open('512MB');
  try {
    await db.run(`CREATE TABLE items (${[`${KEY} VARCHAR`, ...typed].join(', ')})`);
    const table = await db.appender('items');
    for await (const { keys, states } of itemStates(run, dataset)) {
      const data = columns.map(({ column }) => states[`item.${column}`]!.data);
      for (const [row, key] of keys.entries()) {
        table.appendVarchar(key);
        for (const [i, { dtype, shape }] of columns.entries()) {
          if (shape.length > 0) table.appendArray(arrayValue(slice(data[i]!, row, widths[i]!)));
          else if (dtype === 'int32') table.appendInteger(data[i]![row]!);
          else table.appendFloat(data[i]![row]!);
        }
        table.endRow();
      }
      rows += keys.length;
    }
    table.closeSync();
    await db.run(`COPY items TO ${literal(file)} (FORMAT parquet, COMPRESSION zstd)`);
  } finally {
    db.close();
  }
  return { columns, rows };
}

function slice(data: FeedArray, row: number, width: number): number[] {
  return Array.from(data.subarray(row * width, (row + 1) * width));
}
