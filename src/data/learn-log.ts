import type { Feature, Schema } from '../schema.js';
import { BadRows } from './bad-rows.js';
import { type DatasetConfig, fieldsOf } from './config.js';
import type { Database } from './database.js';
import type { Dataset } from './dataset.js';
import { encodeKeyed } from './encode-tables.js';
import { fieldKind } from './fields/index.js';
import type { DatasetFiles } from './files-of-table.js';
import { stageLevels } from './levels.js';
import type { LoadOptions } from './load-options.js';
import type { Cut } from './parts.js';
import { cutOf } from './split.js';
import { completeKeyed, type LoadContext, stageEvents, stageKeyed } from './tables.js';
import { type Fitted, fitFields, sizeIn } from './vocabulary.js';

/** A log whose rows are staged in a database and checked, and what its training part teaches. */
export interface LearntLog {
  context: LoadContext;
  cut: Cut;
  fitted: Fitted;
  /** All of the dataset that does not grow with the events. */
  tables: Omit<Dataset, 'events' | 'histories' | 'splits' | 'hash' | 'logHash'>;
  /** Keys that the events name and the file of the users or items, where there is one, does not. */
  unlisted: { user: number; item: number };
}

/**
 * Checks and stages all rows and learns from the training part. What grows with the events stays in the database, which goes to
 * the disk beyond its memory limit.
 */
export async function learnLog(
  db: Database,
  config: DatasetConfig,
  files: DatasetFiles,
  options: Pick<LoadOptions, 'maxBadRows' | 'now' | 'onProgress' | 'onStaged'>,
): Promise<LearntLog> {
  const progress = options.onProgress ?? (() => {});
  const maxBadRows = options.maxBadRows ?? 0;
  const context: LoadContext = {
    db,
    config,
    files,
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
  const levels = stageLevels(config);
  return {
    context,
    cut,
    fitted,
    tables: {
      name: config.name,
      schema: schemaOf(context, fitted),
      users: await encodeKeyed(context, 'user', fitted),
      items: await encodeKeyed(context, 'item', fitted),
      label: config.label,
      stages: levels.names,
      shown: levels.shown,
      encoders: { version: 1, fields: fitted.states, vocabularies: fitted.vocabularies },
    },
    unlisted,
  };
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

function sqlNumber(value: number): string {
  return Number.isFinite(value)
    ? String(value)
    : `'${Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'}'::DOUBLE`;
}
