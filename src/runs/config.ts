import { stringify } from 'yaml';
import { z } from 'zod';
import { splitOptions } from '../data/split-options.js';
import { streamOptions } from '../data/stream/options.js';
import { didYouMean, TwoTowerError } from '../errors.js';
import type { ModelDefinition } from '../models/contract.js';
import { MODELS } from '../models/index.js';
import { LOSSES } from '../nn/losses/index.js';
import { trainingOptions } from '../training/config.js';
import { createObjective, objectiveKeys } from '../training/objectives.js';
import { refuseStreamed } from '../training/refuse-streamed.js';
import { parseYaml } from '../yaml.js';
import { metricProblem } from './early-stopping.js';

// biome-ignore lint/suspicious/noExplicitAny: each model validates its own options
type AnyModel = ModelDefinition<any>;

/** The section `data` of a configuration: which log, and how it is read. */
export const dataOptions = z.strictObject({
  dataset: z.string().min(1).describe('name of a bundled dataset, or path of a dataset description'),
  root: z.string().optional().describe('folder of the data files, instead of the one the description names'),
  split: splitOptions
    .optional()
    .describe('where the parts are cut, instead of where the description says: what mines candidates must end earlier'),
  maxBadRows: z.int().min(0).default(0).describe('bad rows that are skipped and counted before loading fails'),
  stream: streamOptions
    .optional()
    .describe('trains on a log larger than memory, window by window; the whole log is read unless given'),
});

/** A dataset's name or path alone, or an object. */
export const dataSection = z.union([z.string().transform((dataset) => dataOptions.parse({ dataset })), dataOptions]);

const wholeDataOptions = dataOptions.omit({ stream: true });
/** The same for what needs every event in memory. */
export const wholeDataSection = z.union([
  z.string().transform((dataset) => wholeDataOptions.parse({ dataset })),
  wholeDataOptions,
]);

const evaluationOptions = z.strictObject({
  ks: z.array(z.int().positive()).min(1).default([20, 100]).describe('cut-offs of the ranking metrics over all items'),
});

/** A complete configuration of a run, every default filled in. */
export interface RunConfig {
  data: z.output<typeof dataOptions>;
  /** Feedback column to predict, instead of the dataset's own label. */
  label?: string | undefined;
  /** `name` and the model's own options. */
  model: { name: string; [option: string]: unknown };
  training: z.output<typeof trainingOptions>;
  evaluation: z.output<typeof evaluationOptions>;
  /** Threads of one ONNX Runtime session; 0 takes every core. */
  threads: number;
}

/** A configuration as it is written down: what has a default may be left out. */
export interface RunInput {
  data: string | z.input<typeof dataOptions>;
  label?: string | undefined;
  model: { name: string; [option: string]: unknown };
  training?: z.input<typeof trainingOptions>;
  evaluation?: z.input<typeof evaluationOptions>;
  threads?: number;
}

/** The schema of a training configuration, as in a file under `configs/`; `models` may be named in it. */
export function configSchema(models: readonly AnyModel[] = MODELS): z.ZodType<RunConfig> {
  const objectives = z
    .array(oneOf('loss', 'loss', LOSSES, objectiveKeys))
    .min(1)
    .describe('losses whose weighted sum is minimised')
    .default([{ loss: 'bce', weight: 1 }]);
  const schema = z.strictObject({
    data: dataSection.describe('what to train on: the name or path of a dataset, or an object'),
    label: z.string().optional().describe("feedback column to predict, instead of the dataset's own label"),
    model: oneOf('name', 'model', models, {}).describe('name of the model and its own options'),
    training: trainingOptions.extend({ objectives }).prefault({}).describe('how to train'),
    evaluation: evaluationOptions.prefault({}).describe('what to measure'),
    threads: z.int().min(0).default(0).describe('threads of one ONNX Runtime session; 0 takes every core'),
  });
  const checked = schema.superRefine(({ training, evaluation }, context) => {
    const problem = metricProblem(training.validation.metric, evaluation.ks);
    if (problem === undefined) return;
    context.addIssue({ code: 'custom', path: ['training', 'validation', 'metric'], message: problem });
  });
  return checked as unknown as z.ZodType<RunConfig>;
}

/** Parses and validates the text of a configuration. @throws CONFIG_UNREADABLE, CONFIG_INVALID with file, line and key */
export function parseConfig(text: string, file: string, models?: readonly AnyModel[]): RunConfig {
  const config = parseYaml(text, file, configSchema(models)) as RunConfig;
  for (const objective of config.training.objectives) createObjective(objective);
  if (config.data.stream !== undefined) refuseStreamed(config.training);
  return config;
}

/** Validates a configuration given as a value and fills in its defaults. @throws CONFIG_INVALID */
export function completeConfig(value: unknown, place = 'config', models?: readonly AnyModel[]): RunConfig {
  try {
    return parseConfig(stringify(value), place, models);
  } catch (error) {
    if (!(error instanceof TwoTowerError) || error.code !== 'CONFIG_INVALID') throw error;
    // The lines are those of a text that nobody has seen.
    const message = error.message.split('\n').filter((line) => line.trim() !== error.remedy);
    const unnumbered = message.map((line) => {
      return line.startsWith(`${place}:`) ? place + line.slice(place.length).replace(/^:\d+/, '') : line;
    });
    throw new TwoTowerError('CONFIG_INVALID', unnumbered.join('\n'), 'Correct the keys named above.');
  }
}

/** The model a configuration asks for and its validated options. @throws MODEL_UNKNOWN, CONFIG_INVALID */
export function modelOf({ model: { name, ...options } }: RunConfig, models: readonly AnyModel[] = MODELS) {
  const definition = models.find((candidate) => candidate.name === name);
  if (definition === undefined) {
    const known = models.map((model) => model.name);
    throw new TwoTowerError('MODEL_UNKNOWN', `there is no model "${name}"`, didYouMean(name, known));
  }
  const parsed = definition.options.safeParse(options);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new TwoTowerError('CONFIG_INVALID', `model ${name}: ${[...path, message].join(': ')}`);
  }
  return { definition, options: parsed.data as Record<string, unknown> };
}

/** An object whose `key` names an entry of a registry and whose other keys are that entry's options. */
function oneOf(
  key: string,
  what: string,
  registry: readonly { name: string; title?: string; options: z.ZodType }[],
  common: Record<string, z.ZodType>,
): z.ZodType {
  const names = registry.map(({ name }) => name);
  const alternatives = registry.map(({ name, title, options }) => {
    // Not by class: a model of the user's own may come with another copy of zod.
    const { shape = {} } = options as { shape?: z.ZodRawShape };
    const object = z.strictObject({ [key]: z.literal(name), ...common, ...shape });
    return title === undefined ? object : object.describe(title);
  });
  return z.discriminatedUnion(key, alternatives as [(typeof alternatives)[number], ...typeof alternatives], {
    error: (issue) => {
      const said = (issue.input as Record<string, unknown> | null | undefined)?.[key];
      if (typeof said === 'string') return `there is no ${what} "${said}", ${didYouMean(said, names)}`;
      if (names.includes(issue.input as string)) return `write { ${key}: ${issue.input} }`;
      return `a ${what} needs a ${key}: ${names.join(', ')}`;
    },
  });
}
