import { basename, dirname, extname, resolve } from 'node:path';
import { z } from 'zod';
import { didYouMean, TwoTowerError } from '../errors.js';
import { completeConfig, type RunConfig } from '../runs/config.js';
import { readConfig, settledData } from '../runs/read-config.js';
import { parseYaml, readText } from '../yaml.js';
import { shareCores } from './parallel/shares.js';
import { cutOffs, findProtocol, type Protocol, protocolName, protocolOptions } from './protocols.js';
import { checkPublished, type Published, publishedOptions } from './published.js';

const modelOptions = z.union(
  [
    z.string().min(1),
    z.strictObject({
      config: z.string().min(1).describe('training configuration, relative to this file'),
      set: z.array(z.string()).default([]).describe('keys set otherwise, as --set of train: model.width=64'),
    }),
  ],
  { error: 'write the path of a training configuration, or { config: PATH, set: [key.path=value] }' },
);

const seedList = z.array(z.int().min(0)).min(1);

const tableOptions = z.strictObject({
  protocol: z
    .union([z.string(), protocolOptions])
    .describe('name of a protocol (docs/leaderboard.md), or one of your own: name, dataset, label, metrics'),
  root: z.string().optional().describe('folder of the data files, instead of the one the description names'),
  maxBadRows: z.int().min(0).default(0).describe('bad rows that are skipped and counted before loading fails'),
  models: z
    .record(protocolName, modelOptions)
    .refine((models) => Object.keys(models).length > 0, 'name at least one model')
    .describe('what is compared, by the name it has in the table: a training configuration each'),
  baseline: z.string().optional().describe('model that the others are compared with; the first one unless given'),
  seeds: seedList.optional().describe("seeds of this table, instead of the file's"),
  trials: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'before the comparison, every model is tuned with so many trials on the validation part; 0 takes it as it is',
    ),
  published: publishedOptions.optional(),
  slices: z
    .array(z.string())
    .default([])
    .describe('fields by whose values the figures are shown too: context.tab, user.gender'),
});

/** A leaderboard's file. */
export const leaderboardSchema = z.strictObject({
  title: z.string().optional().describe("headline of the report; the file's name unless given"),
  seeds: seedList.default([1, 2, 3]).describe('every model is trained once with each'),
  tables: z.array(tableOptions).min(1).describe('one protocol each'),
  resamples: z.int().min(100).default(2000).describe('how often users are drawn anew to judge a difference'),
  level: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.05)
    .describe('corrected p-value below which a difference is called significant'),
  parallel: z
    .int()
    .min(0)
    .default(0)
    .describe('trainings at a time, each in a thread of its own; 0 takes one a core. Each needs memory of its own'),
  threads: z
    .int()
    .min(0)
    .default(0)
    .describe('threads of one ONNX Runtime session; 0 divides the cores among the trainings'),
});

/** One table to be filled. */
export interface TablePlan {
  protocol: Protocol;
  /** By name, in the order of the file; complete but for the seed. */
  models: Map<string, RunConfig>;
  baseline: string;
  seeds: number[];
  /** Of the search before the comparison, for every model alike. */
  trials: number;
  slices: string[];
  published?: Published | undefined;
}

/** A validated leaderboard. */
export interface LeaderboardPlan {
  title: string;
  tables: TablePlan[];
  resamples: number;
  level: number;
  /** Trainings at a time. */
  parallel: number;
}

/**
 * Reads a leaderboard's file and the configurations it names.
 *
 * @param set what is asked for instead of what the file says
 * @throws CONFIG_UNREADABLE, CONFIG_INVALID, USAGE
 */
export function readLeaderboard(file: string, set: { parallel?: number | undefined } = {}): LeaderboardPlan {
  const text = readText(file, 'Give the path of a leaderboard (YAML): see docs/leaderboard.md.');
  const { title, seeds, tables, resamples, level, ...said } = parseYaml(text, file, leaderboardSchema);
  const folder = dirname(file);
  const most = tables.map(({ models, trials, ...own }) =>
    Math.max(Object.keys(models).length * new Set(own.seeds ?? seeds).size, trials),
  );
  const wanted = { parallel: set.parallel ?? said.parallel, threads: said.threads };
  const { parallel, threads } = shareCores(wanted, Math.max(...most));
  const plans = tables.map((table, i) => {
    const protocol = typeof table.protocol === 'string' ? findProtocol(table.protocol) : table.protocol;
    const models = new Map(
      Object.entries(table.models).map(([name, said]) => {
        const { config, set } = typeof said === 'string' ? { config: said, set: [] } : said;
        const own = readConfig(resolve(folder, config), set);
        return [name, configFor(own, protocol, folder, table, threads)];
      }),
    );
    const baseline = table.baseline ?? [...models.keys()][0]!;
    if (!models.has(baseline)) {
      throw new TwoTowerError(
        'CONFIG_INVALID',
        `${file}: tables.${i}.baseline: there is no model "${baseline}" in this table, ${didYouMean(baseline, models.keys())}`,
        'Name one of its models.',
      );
    }
    if (table.published)
      checkPublished(table.published, models.keys(), protocol.metrics, `${file}: tables.${i}.published.values`);
    return {
      protocol,
      models,
      baseline,
      published: table.published,
      seeds: [...new Set(table.seeds ?? seeds)],
      trials: table.trials,
      slices: table.slices,
    };
  });
  refuseTooFew(plans, resamples, level, file);
  const names = plans.map(({ protocol }) => protocol.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `${file}: two tables have the protocol "${twice}"`,
      'Put their models into one table, or give one of the protocols a name of its own.',
    );
  }
  return { title: title ?? basename(file, extname(file)), tables: plans, resamples, level, parallel };
}

/** With too few draws even the smallest p-value is not significant once it is corrected for all models. */
function refuseTooFew(plans: readonly TablePlan[], resamples: number, level: number, file: string): void {
  const comparisons = Math.max(...plans.map(({ models }) => models.size - 1));
  const needed = Math.ceil((2 * comparisons) / level);
  if (resamples > needed) return;
  throw new TwoTowerError(
    'CONFIG_INVALID',
    `${file}: resamples: with ${resamples} draws none of ${comparisons} comparisons could be significant at level ${level}`,
    `Draw more than ${needed} times.`,
  );
}

/** A model's configuration under a protocol, which decides about data, label, choice of the checkpoint and cut-offs. */
export function configFor(
  own: RunConfig,
  protocol: Protocol,
  folder: string,
  { root, maxBadRows }: { root?: string | undefined; maxBadRows: number },
  threads: number,
): RunConfig {
  const { dataset, label, validation } = protocol;
  const data = { dataset, maxBadRows, ...(root !== undefined && { root }) };
  const ks = cutOffs(protocol);
  return completeConfig(
    {
      ...own,
      data: settledData(data, folder, folder),
      label,
      training: { ...own.training, validation: { ...own.training.validation, metric: validation } },
      ...(ks.length > 0 && { evaluation: { ks } }),
      threads,
    },
    `${own.model.name} under ${protocol.name}`,
  );
}
