import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { TwoTowerError } from '../errors.js';
import type { Feature, Schema } from '../schema.js';
import { BadRows } from './bad-rows.js';
import { bundledConfig } from './bundled.js';
import { type DatasetConfig, fieldsOf } from './config.js';
import { Database } from './database.js';
import type { Dataset, EventTable, HistoryLog } from './dataset.js';
import { encodeEvents, encodeKeyed } from './encode-tables.js';
import { fieldKind } from './fields/index.js';
import { buildHistoryLog, firstEvents, readSeeds } from './history-log.js';
import { separateUnshown, stageLevels } from './levels.js';
import { cutOf, splitRows } from './split.js';
import { type SplitOptions, splitProblem } from './split-options.js';
import { completeKeyed, type LoadContext, stageEvents, stageKeyed } from './tables.js';
import { type Fitted, fitFields, sizeIn } from './vocabulary.js';

export interface LoadOptions {
  /** Data folder instead of the description's own. */
  root?: string;
  /** Where the parts are cut instead of where the description says. */
  split?: SplitOptions;
  /** Bad rows that are skipped and counted before a load fails; default 0. */
  maxBadRows?: number;
  /** Where downloads are kept: see `download`. */
  cache?: string;
  onProgress?: (progress: LoadProgress) => void;
  /** Memory DuckDB may use before it goes to the disk; default 512MB. */
  memoryLimit?: string;
  /** Now, in seconds since 1970: events more than a day later are refused. */
  now?: number;
  /** Called once the tables `users` and `items` are staged in the load's database, in the order of the rows they will have. */
  onStaged?: (staged: LoadContext) => Promise<void>;
}

export interface LoadProgress {
  /** Such as `reading events`. */
  stage: string;
  done?: number;
  total?: number;
}

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
 *   `options.split` that does not go with the stages of the log
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
  const given = typeof source === 'string' ? await bundledConfig(source, options) : source;
  const config = {
    ...given,
    ...(options.root !== undefined && { root: options.root }),
    ...(options.split !== undefined && { split: options.split }),
  };
  const problem = splitProblem(config.split, config.stages);
  if (problem !== undefined) {
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `data.split: ${problem}, and ${config.file} has one`,
      'Cut by time: shares (train, validation) or moments (trainUntil, validationUntil).',
    );
  }
  const db = await Database.open(options.memoryLimit ?? '512MB');
  try {
    const maxBadRows = options.maxBadRows ?? 0;
    const context: LoadContext = {
      db,
      config,
      fields: fieldsOf(config).map((field, i) => ({ field, kind: fieldKind(field.kind), column: `f${i}` })),
      bad: new BadRows(maxBadRows),
      skipBad: maxBadRows > 0,
      now: options.now ?? Date.now() / 1e3,
      sources: [],
    };
    progress({ stage: 'reading tables' });
    await stageKeyed(context, 'user');
    await stageKeyed(context, 'item');
    progress({ stage: 'reading events' });
    await stageEvents(context);
    const unlisted = { user: await completeKeyed(context, 'user'), item: await completeKeyed(context, 'item') };
    await options.onStaged?.(context);
    progress({ stage: 'learning vocabularies' });
    const cut = await cutOf(db, config);
    const fitted = await fitFields(context, `problem = 0 AND ${cut.column} < (${sqlNumber(cut.trainUntil)})`);
    const users = await encodeKeyed(context, 'user', fitted);
    const items = await encodeKeyed(context, 'item', fitted);
    const { events, keys, unordered } = await encodeEvents(context, fitted, cut, progress);
    const splits = splitRows(config, cut, keys, options.split === undefined ? `${config.file}: split` : 'data.split');
    const levels = stageLevels(config);
    progress({ stage: 'gathering histories' });
    const { histories, unknownSeedItems } = await buildHistories(context, events, users.count);
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
      name: config.name,
      schema: schemaOf(context, fitted),
      users,
      items,
      events,
      histories,
      label: config.label,
      stages: levels.names,
      shown: levels.shown,
      ...separateUnshown(splits, events.stage, levels.shown),
      ...(config.truth !== undefined && { truth: resolve(config.root, config.truth) }),
      encoders: { version: 1, fields: fitted.states, vocabularies: fitted.vocabularies },
      ...(await hashesOf(
        config,
        report.sources.map(({ file }) => file),
      )),
      skippedRows: context.bad.count,
    };
    return { dataset, report, config };
  } finally {
    db.close();
  }
}

function schemaOf({ fields, config }: LoadContext, fitted: Fitted): Schema {
  const schema: Schema = { user: [], context: [], item: [], histories: [] };
  const sizeOf = sizeIn(fitted.vocabularies);
  fields.forEach(({ field, kind }, i) => {
    schema[field.owner].push(kind.feature(field, fitted.states[i]!.state, sizeOf));
  });
  const named = (name: string): Feature[] => schema.item.filter((feature) => feature.name === name);
  schema.histories = Object.entries(config.histories).map(([name, { maxLength, features }]) => ({
    name,
    maxLength,
    features: features.flatMap(named),
  }));
  return schema;
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

/** SHA-256 over what the description says and the bytes of the files, wherever they lie: with the split and without. */
async function hashesOf(config: DatasetConfig, files: string[]): Promise<{ hash: string; logHash: string }> {
  const { file: _, root: __, about: ___, download: ____, generate: _____, ...said } = config;
  const { split: ______, ...unsplit } = said;
  const hash = createHash('sha256').update(JSON.stringify(said));
  const logHash = createHash('sha256').update(JSON.stringify(unsplit));
  for (const file of files) {
    for (const one of [hash, logHash]) one.update('\0');
    for await (const block of createReadStream(file)) {
      for (const one of [hash, logHash]) one.update(block as Buffer);
    }
  }
  return { hash: hash.digest('hex'), logHash: logHash.digest('hex') };
}

function sqlNumber(value: number): string {
  return Number.isFinite(value)
    ? String(value)
    : `'${Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'}'::DOUBLE`;
}
