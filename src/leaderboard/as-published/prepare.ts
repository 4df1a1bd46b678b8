import { join } from 'node:path';
import type { Dataset } from '../../data/dataset.js';
import { TwoTowerError } from '../../errors.js';
import type { RunConfig } from '../../runs/config.js';
import { loadRunData } from '../../runs/data.js';
import type { TablePlan } from '../config.js';
import type { Reference } from '../results.js';
import { writePublished } from './files.js';
import { leakedMeansAlone } from './leaked-means.js';
import { publishedRows } from './rows.js';

/** Of the random split; the script names it. Seeds of a leaderboard change the training alone. */
export const SPLIT_SEED = 1023;

/** A table on the data that a leaky pipeline makes of its dataset, which is written below the leaderboard's folder. */
export async function prepareTable(
  table: TablePlan,
  base: Dataset,
  out: string,
): Promise<{ table: TablePlan; dataset: Dataset; references: Reference[] }> {
  if (base.stream !== undefined) {
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `${table.protocol.name}: the pipeline needs the whole log in memory, and data.stream holds one window of it`,
      'Leave out data.stream.',
    );
  }
  const rows = publishedRows(base, SPLIT_SEED);
  const description = await writePublished(base, rows, join(out, 'data', table.protocol.name), SPLIT_SEED);
  const data = { dataset: description, maxBadRows: 0 };
  const models = new Map(
    [...table.models].map(([name, { label: _, ...config }]): [string, RunConfig] => [name, { ...config, data }]),
  );
  return {
    table: { ...table, models },
    dataset: await loadRunData({ data }),
    references: [
      {
        name: 'leaked means alone',
        about: 'a logistic regression on the leaked mean ratings of user and item, and on nothing else',
        outcomes: leakedMeansAlone(base, rows),
      },
    ],
  };
}
