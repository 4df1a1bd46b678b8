import type { Dataset } from '../data/dataset.js';
import type { Ranks } from '../distributed/ranks.js';
import { TwoTowerError } from '../errors.js';
import type { ProgramOptions } from '../graph/index.js';
import type { ModelDefinition, ModelParts } from '../models/contract.js';
import { MODELS } from '../models/index.js';
import { RankTrainer } from '../training/ranks/rank-trainer.js';
import { Trainer } from '../training/trainer.js';
import type { Training } from '../training/training.js';
import { completeConfig, modelOf, type RunConfig } from './config.js';
import { checkLabel, fetchRunData, loadRunData, type RunDataOptions, withLabel } from './data.js';
import { hashOfLists } from './lists-hash.js';
import { type Taught, trainingData } from './teacher.js';

/** What a training is made of, the same on every rank. */
export interface Ingredients {
  model: ModelParts;
  dataset: Dataset;
  config: RunConfig;
  taught: Taught;
  threads: ProgramOptions;
  warn: (message: string) => void;
}

/**
 * The training of one process, or of one rank of several.
 *
 * @throws TRAIN_RANKS where the ranks have read different data, or cannot train this together
 */
export async function createTraining(ranks: Ranks, ingredients: Ingredients): Promise<Training> {
  const { model, dataset, config, taught, threads, warn } = ingredients;
  if (ranks.size === 1) return Trainer.create(model, dataset, config.training, threads, taught.data);
  await checkAgreement(ranks, ingredients);
  const trainer = await RankTrainer.create(ranks, model, dataset, config.training, threads, taught.data);
  const { repeated } = trainer.graph;
  if (ranks.rank === 0 && repeated.length > 0) {
    warn(
      `${repeated.length} operations look at all rows of a batch at once and are computed whole by every rank; the first is ${repeated[0]}`,
    );
  }
  return trainer;
}

/** Lets the first rank do something before the others, who may find what it has kept. */
export async function inTurn<T>(ranks: Ranks, work: () => Promise<T>): Promise<T> {
  const result = ranks.rank === 0 ? await work() : undefined;
  if (ranks.size > 1) await ranks.broadcast(ranks.rank === 0 ? new Uint8Array() : undefined);
  return result ?? work();
}

/** Loads the data of a run. What is fetched, and what is prepared on the disk, is so by the first rank where the others see its disk. */
export async function loadInTurn(ranks: Ranks, config: RunConfig, options: RunDataOptions = {}): Promise<Dataset> {
  const load = () => loadRunData(config, options);
  if (config.data.stream !== undefined) return inTurn(ranks, load);
  if (ranks.size > 1) await inTurn(ranks, () => fetchRunData(config, options));
  return load();
}

export interface FollowOptions {
  ranks: Ranks;
  /** As the first rank was told: a teacher's kept scores lie beside it. */
  out: string;
  dataset?: Dataset;
  // biome-ignore lint/suspicious/noExplicitAny: each model validates its own options
  models?: readonly ModelDefinition<any>[];
}

/**
 * Takes part in a training that another rank leads with `trainRun`, until it is over. Writes nothing and says nothing.
 *
 * @throws as `trainRun`, where this rank cannot take part
 */
export async function followRun(input: RunConfig, options: FollowOptions): Promise<void> {
  const { ranks, out } = options;
  const models = [...MODELS, ...(options.models ?? [])];
  const config = completeConfig(input, 'config', models);
  const { definition, options: modelOptions } = modelOf(config, models);
  const dataset =
    options.dataset === undefined ? await loadInTurn(ranks, config) : withLabel(options.dataset, config.label);
  checkLabel(dataset);
  const warn = () => {};
  const taught = await inTurn(ranks, () =>
    trainingData(config, dataset, { out, ...(options.models && { models: options.models }), warn, onProgress() {} }),
  );
  const model = definition.create(dataset.schema, modelOptions);
  const threads = { threads: config.threads };
  const training = await createTraining(ranks, { model, dataset, config, taught, threads, warn });
  try {
    await (training as RankTrainer).follow();
  } finally {
    await training.release();
  }
}

/** Ranks that have read other data would train another model without a word. */
async function checkAgreement(ranks: Ranks, { dataset, config, taught }: Ingredients): Promise<void> {
  const { samples } = taught.data;
  const own = [dataset.hash, taught.teacher ?? '', samples === undefined ? '' : hashOfLists(samples, config)].join(' ');
  const first = new TextDecoder().decode(
    await ranks.broadcast(ranks.rank === 0 ? new TextEncoder().encode(own) : undefined),
  );
  if (first === own) return;
  throw new TwoTowerError(
    'TRAIN_RANKS',
    `rank ${ranks.rank} has read other data, or has another teacher, than rank 0`,
    'Give every host the same files.',
  );
}
