import { resolve } from 'node:path';
import type { DatasetConfig } from './config.js';
import { Database } from './database.js';
import type { Dataset, EventTable, HistoryLog } from './dataset.js';
import { datasetFiles } from './dataset-files.js';
import { hashesOf } from './dataset-hash.js';
import { encodeEvents } from './encode-events.js';
import { finishEvents } from './event-columns.js';
import { buildHistoryLog, firstEvents } from './history-log.js';
import { readSeeds } from './history-seeds.js';
import { learnLog } from './learn-log.js';
import { separateUnshown, stageLevels } from './levels.js';
import type { LoadOptions } from './load-options.js';
import { settledConfig, splitPlace } from './settled-config.js';
import { splitRows } from './split.js';
import type { LoadContext } from './tables.js';

export type { LoadOptions, LoadProgress } from './load-options.js';

/** What a load noticed beside the dataset. */
export interface LoadReport {
  sources: { table: string; file: string; rows: number; columns: number }[];
  /** Rows skipped because they were bad, and one example of each sort. */
  badRows: number;
  badRowExamples: string[];
  /** Events left out by `drop`. */
  dropped: number;
  /** Events earlier than the one before them in the file. */
  unordered: number;
  /** Earlier items of users that neither the item table nor the events know. */
  unknownSeedItems: number;
  /** Keys that the events name and the file of the users or items, where there is one, does not. */
  unlisted: { user: number; item: number };
}

/**
 * Reads a dataset: the files are checked, encoded with what the training part teaches, and put in time order.
 *
 * @param source a description, the path of one, or the name of a bundled dataset
 * @throws DATA_SOURCE, DATA_COLUMN, DATA_VALUE, DATA_KEY, DATA_SPLIT, each naming file, row and column; CONFIG_INVALID for
 *   `options.split` that does not go with the stages of the log; for tables in a bucket USAGE, S3_REFUSED, S3_UNREACHABLE
 */
export async function loadDataset(source: DatasetConfig | string, options: LoadOptions = {}): Promise<Dataset> {
  return (await loadWithReport(source, options)).dataset;
}

/** {@link loadDataset}, with what was noticed on the way. */
export async function loadWithReport(
  source: DatasetConfig | string,
  options: LoadOptions = {},
): Promise<{ dataset: Dataset; report: LoadReport; config: DatasetConfig }> {
  const progress = options.onProgress ?? (() => {});
  const config = await settledConfig(source, options);
  const files = await datasetFiles(config, options);
  const db = await Database.open(options.memoryLimit ?? '512MB');
  try {
    const { context, cut, fitted, tables, unlisted } = await learnLog(db, config, files, options);
    const { columns, unordered } = await encodeEvents(context, fitted, cut, progress);
    const levels = stageLevels(config);
    const { events, keys } = finishEvents(columns, levels);
    const splits = splitRows(config, cut, keys, splitPlace(config, options));
    progress({ stage: 'gathering histories' });
    const { histories, unknownSeedItems } = await buildHistories(context, events, tables.users.count);
    const report: LoadReport = {
      sources: context.sources.map(({ table, source: { file, columns }, rows }) => ({
        table,
        file,
        rows,
        columns: columns.length,
      })),
      badRows: context.bad.count,
      badRowExamples: context.bad.examples,
      dropped: Number((await db.rows<{ n: bigint }>('SELECT count(*) AS n FROM events WHERE problem = -1'))[0]!.n),
      unordered,
      unknownSeedItems,
      unlisted,
    };
    const dataset: Dataset = {
      ...tables,
      events,
      histories,
      ...separateUnshown(splits, events.stage, levels.shown),
      ...(config.truth !== undefined && { truth: resolve(config.root, config.truth) }),
      ...(await hashesOf(config, files)),
      skippedRows: context.bad.count,
    };
    return { dataset, report, config };
  } finally {
    db.close();
  }
}

async function buildHistories(
  context: LoadContext,
  events: EventTable,
  users: number,
): Promise<{ histories: HistoryLog[]; unknownSeedItems: number }> {
  const histories: HistoryLog[] = [];
  let unknownSeedItems = 0;
  const first = firstEvents(events, users);
  for (const [name, { positive, maxLength, seed }] of Object.entries(context.config.histories)) {
    const seeds = seed === undefined ? undefined : await readSeeds(context, name, seed, maxLength, users, first);
    unknownSeedItems += seeds?.unknown ?? 0;
    histories.push(buildHistoryLog(name, maxLength, events, events.feedback.get(positive)!, users, seeds));
  }
  return { histories, unknownSeedItems };
}
