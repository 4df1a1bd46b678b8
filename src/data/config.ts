import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { didYouMean } from '../errors.js';
import { isS3Url } from '../s3/address.js';
import { parseYaml, readYaml } from '../yaml.js';
import { fieldKind, fieldKinds } from './fields/index.js';
import type { Field } from './fields/kind.js';
import { generateOptions } from './funnel/options.js';
import { splitOptions, splitProblem } from './split-options.js';
import { stageOptions, stageProblems } from './stage-options.js';

const name = z.string().min(1);

const tableFile = {
  path: z
    .string()
    .min(1)
    .describe(
      'relative to the data folder: `root`, or the folder of this file; or s3://BUCKET/KEY; of Parquet also a folder, or a name with * and ?',
    ),
  format: z.enum(['csv', 'parquet', 'jsonl']).optional().describe('default: by the extension'),
  delimiter: z.string().min(1).max(4).optional().describe('csv: default a comma, or a tab for .tsv'),
  header: z
    .union([z.boolean(), z.array(name).min(1)])
    .default(true)
    .describe('csv: whether the first line names the columns, or their names if it does not'),
  quote: z.string().max(1).default('"').describe('csv: empty if the file quotes nothing'),
  encoding: z.enum(['utf-8', 'latin-1']).default('utf-8').describe('csv only'),
  null: z.array(z.string()).default(['']).describe('csv: texts that mean "no value"'),
};

const eventsTable = z.strictObject(tableFile);
const keyedTable = z.strictObject({
  ...tableFile,
  key: name.describe('column that identifies a row'),
  display: z.array(name).default([]).describe('columns that describe a row to people; not features'),
});

const predicate = {
  column: name.describe('column of the events'),
  equals: z.union([z.string(), z.number()]).optional().describe('true where the column is this'),
  in: z
    .array(z.union([z.string(), z.number()]))
    .min(1)
    .optional()
    .describe('true where the column is one of these'),
  atLeast: z.number().optional().describe('true where the column is this or more'),
  atMost: z.number().optional().describe('true where the column is this or less'),
  above: z.number().optional().describe('true where the column is more than this'),
  below: z.number().optional().describe('true where the column is less than this'),
};
const predicateObject = z.strictObject(predicate);
/** A condition on a column; several keys must all hold. */
export type Predicate = z.output<typeof predicateObject>;

const keyColumn = z.union([
  name,
  z.strictObject({
    column: name.describe('column of the events'),
    type: z
      .enum(['integer', 'text'])
      .optional()
      .describe('default: integer if the keys of the table are, or the first 1,000 of the events'),
  }),
]);

const fieldOf = fieldSchema();
const history = z.strictObject({
  positive: name.describe('feedback column: events where it is above zero are remembered'),
  maxLength: z.int().min(1).default(50).describe('the latest events that are kept'),
  features: z.array(name).min(1).describe('item fields through which each past item is seen'),
  seed: z
    .strictObject({
      ...tableFile,
      key: name.describe('column of the user'),
      items: name.describe('list column: earlier items, oldest first'),
      lastTime: name.optional().describe('column: the time of the last of them, in the unit of `time`'),
    })
    .optional()
    .describe('what users did before the events begin'),
});

const download = z.strictObject({
  url: z.url().describe('of a ZIP archive'),
  md5: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .describe('checksum of the archive'),
  folder: name.describe('folder inside the archive that holds the tables'),
  terms: z.string().describe('shown before the download'),
});

/** A dataset description: which files hold what, and how columns become features. */
export const datasetSchema = z
  .strictObject({
    name: name.describe('what the dataset is called in reports'),
    about: z.string().optional().describe('source and licence, for people'),
    root: z.string().optional().describe('data folder, relative to this file, or s3://BUCKET/FOLDER'),
    download: download.optional().describe('where the files are fetched from when they are not there'),
    generate: generateOptions.optional().describe('how the files are made where they are not there: a generated world'),
    tables: z
      .strictObject({
        events: eventsTable.describe('one row per exposure or interaction'),
        users: keyedTable.optional().describe('one row per user; without it, user fields are columns of the events'),
        items: keyedTable.optional().describe('one row per item; without it, item fields are columns of the events'),
      })
      .describe('the files'),
    user: keyColumn.describe('column of the events that names the user'),
    item: keyColumn.describe('column of the events that names the item'),
    time: z
      .strictObject({
        column: name.describe('column of the events'),
        unit: z
          .enum(['s', 'ms', 'us', 'iso'])
          .default('s')
          .describe('seconds, milliseconds or microseconds since 1970, or ISO 8601 text'),
        utcOffset: z
          .number()
          .min(-14)
          .max(14)
          .default(0)
          .describe('hours east of Greenwich, for hour-of-day and weekday'),
        order: z
          .enum(['any', 'required'])
          .default('any')
          .describe('required: an event earlier than the one before it is an error'),
      })
      .describe('when an event happened'),
    request: name.optional().describe('column: a number shared by the events of one request'),
    feedback: z
      .array(z.union([name, z.strictObject({ ...predicate, name: name.describe('of the feedback') })]))
      .min(1)
      .describe('what came of an event: columns with numbers, or conditions on a column'),
    stages: stageOptions.optional().describe('how far items come; default: corpus, candidate, shown, and the label'),
    scores: z
      .array(name)
      .min(1)
      .optional()
      .describe('columns with the scores (logits) of another model, to distil from; never features'),
    truth: name
      .optional()
      .describe(
        'folder of a generated log that knows the true probability of every click, relative to the data folder',
      ),
    drop: z.array(predicateObject).default([]).describe('events to leave out'),
    label: name.describe('the feedback to predict'),
    fields: z
      .strictObject({
        user: z.record(name, fieldOf).default({}).describe('what is known of a user'),
        item: z.record(name, fieldOf).default({}).describe('what is known of an item'),
        context: z.record(name, fieldOf).default({}).describe('what is known of a request: columns of the events'),
      })
      .describe('the features, by name: a kind, or an object with kind, column and options'),
    histories: z.record(name, history).default({}).describe('earlier events of a user, by name'),
    split: splitOptions.describe('what is trained on, chosen by and tested on, in the order of time'),
  })
  .superRefine((config, context) => {
    const feedback = config.feedback.map((one) => (typeof one === 'string' ? one : one.name));
    const must = (path: (string | number)[], value: string, known: string[], what: string) => {
      if (!known.includes(value)) {
        context.addIssue({
          code: 'custom',
          path,
          message: `there is no ${what} "${value}", ${didYouMean(value, known)}`,
        });
      }
    };
    const taken = (path: (string | number)[], value: string, names: readonly string[], what: string) => {
      if (names.includes(value)) {
        context.addIssue({
          code: 'custom',
          path,
          message: `"${value}" is the name of ${what}: give the field another name (its column can stay, with \`column\`)`,
        });
      }
    };
    must(['label'], config.label, feedback, 'feedback');
    for (const { path, message } of stageProblems(config.stages, feedback)) {
      context.addIssue({ code: 'custom', path: ['stages', ...path], message });
    }
    const message = splitProblem(config.split, config.stages);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['split'], message });
    for (const field of Object.keys(config.fields.item)) {
      taken(['fields', 'item', field], field, ['logq'], 'what batches tell of the frequency of an item');
    }
    for (const [key, one] of Object.entries(config.histories)) {
      must(['histories', key, 'positive'], one.positive, feedback, 'feedback');
      one.features.forEach((feature, i) => {
        must(['histories', key, 'features', i], feature, Object.keys(config.fields.item), 'item field');
        taken(['histories', key, 'features', i], feature, ['length', 'lag'], 'what every history tells besides');
      });
    }
    if (Object.keys(config.fields.user).length === 0 || Object.keys(config.fields.item).length === 0) {
      context.addIssue({
        code: 'custom',
        path: ['fields'],
        message: 'at least one user field and one item field are needed',
      });
    }
  });

type ParsedDataset = z.output<typeof datasetSchema>;

/** A validated description with its defaults, and where it came from. */
export interface DatasetConfig extends Omit<ParsedDataset, 'root'> {
  /** The description itself. */
  file: string;
  /** Folder the paths of the tables start from: absolute, or in a bucket. */
  root: string;
}

export type TableSource = z.output<typeof eventsTable>;

/** Parses and validates a description. @throws CONFIG_INVALID, CONFIG_UNREADABLE */
export function parseDatasetConfig(text: string, file: string): DatasetConfig {
  return located(parseYaml(text, file, datasetSchema), file);
}

/** Reads and validates a description. @throws CONFIG_INVALID, CONFIG_UNREADABLE */
export function readDatasetConfig(file: string): DatasetConfig {
  return located(readYaml(file, datasetSchema), file);
}

function located(parsed: ParsedDataset, file: string): DatasetConfig {
  return { ...parsed, file, root: absoluteFolder(dirname(file), parsed.root ?? '.') };
}

/** A data folder, where a relative one starts from another: one in a bucket stays what it is. */
export function absoluteFolder(from: string, folder: string): string {
  return isS3Url(folder) ? folder : resolve(from, folder);
}

/** All fields of a description with their defaults, users first, then items, then context. */
export function fieldsOf(config: DatasetConfig): Field[] {
  return (['user', 'item', 'context'] as const).flatMap((owner) =>
    Object.entries(config.fields[owner]).map(([name, { kind, column, ...options }]): Field => {
      const usual = fieldKind(kind).usualColumn?.(config.time) ?? name;
      return { name, owner, kind, column: column ?? usual, options, time: config.time };
    }),
  );
}

/** The column of `user` or `item` in the events. */
export function columnOf(key: DatasetConfig['user']): string {
  return typeof key === 'string' ? key : key.column;
}

interface FieldSettings {
  kind: string;
  column?: string | undefined;
  [option: string]: unknown;
}

/** `kind` alone, or an object with `kind`, `column` and the options of that kind. */
function fieldSchema(): z.ZodType<FieldSettings> {
  const kinds = Object.keys(fieldKinds);
  const unknownKind = (value: unknown) =>
    typeof value === 'string'
      ? `there is no field kind "${value}", ${didYouMean(value, kinds)}`
      : `a field needs a kind: ${kinds.join(', ')}`;
  const short = z.enum(kinds, { error: (issue) => unknownKind(issue.input) });
  const objects = kinds.map((kind) =>
    z
      .strictObject({
        kind: z.literal(kind),
        column: name.optional().describe('default: the name of the field'),
        ...fieldKind(kind).options.shape,
      })
      .superRefine((settings, context) => {
        const message = fieldKind(kind).conflict?.(settings);
        if (message !== undefined) context.addIssue({ code: 'custom', message });
      }),
  );
  const long = z.discriminatedUnion('kind', objects as [(typeof objects)[number], ...typeof objects], {
    error: (issue) => unknownKind((issue.input as { kind?: unknown } | undefined)?.kind),
  });
  return z
    .union([short, long], { error: (issue) => unknownKind(typeof issue.input === 'object' ? undefined : issue.input) })
    .transform((value) => (typeof value === 'string' ? long.parse({ kind: value }) : value) as FieldSettings);
}
