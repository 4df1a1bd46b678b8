import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Dataset } from '../data/dataset.js';
import { countStages, listCount } from '../data/samples.js';
import { VECTOR_FEEDS } from '../data/teacher-vectors.js';
import { ALONE, type Ranks } from '../distributed/ranks.js';
import { TwoTowerError } from '../errors.js';
import { evaluate } from '../evaluation/evaluate.js';
import { type EvaluationJson, resultToJson } from '../evaluation/report.js';
import type { Outcomes } from '../evaluation/user-statistics.js';
import { writeFileAtomic } from '../files.js';
import type { ModelDefinition } from '../models/contract.js';
import { MODELS } from '../models/index.js';
import { LIST_FEEDS } from '../schema.js';
import { matches } from '../training/config.js';
import { Inference } from '../training/inference.js';
import type { Training } from '../training/training.js';
import { completeConfig, modelOf, type RunConfig, type RunInput } from './config.js';
import { checkLabel, checkSameData, partlyMeasured, seenUntil, withLabel } from './data.js';
import { checkDefined } from './early-stopping.js';
import { environment } from './environment.js';
import type { RunEvent } from './events.js';
import { exportModel } from './export.js';
import { holdsRun, RUN_FILES, readRun, refuseUsedFolder, writeRun } from './folder.js';
import { hashOfLists } from './lists-hash.js';
import { TrainingLoop } from './loop.js';
import { trainingData } from './teacher.js';
import { createTraining, inTurn, loadInTurn } from './together.js';

export interface TrainOptions {
  /** The run folder. */
  out: string;
  /** Continue the run in that folder, with the configuration and the data it was begun with. */
  resume?: boolean;
  onEvent?: (event: RunEvent) => void;
  /** A loaded dataset, when the caller has one; the configuration then only names it. */
  dataset?: Dataset;
  /** Models besides the registered ones that the configuration may name. */
  // biome-ignore lint/suspicious/noExplicitAny: each model validates its own options
  models?: readonly ModelDefinition<any>[];
  /**
   * When aborted, the run ends with RUN_INTERRUPTED, in a state that can be resumed: training after the current step and a
   * checkpoint, a validation during training after its end.
   */
  signal?: AbortSignal;
  /** Given what the figures of the test part were computed from. */
  onOutcomes?: (outcomes: Outcomes) => void;
  /** The processes that train together, of which this one leads; the others run `followRun` meanwhile. */
  ranks?: Ranks;
}

export interface RunResult {
  folder: string;
  dataset: Dataset;
  /** Over the training steps alone; null where a resumed run had none left and the log does not say. */
  samplesPerSecond: number | null;
  bestStep: number;
  evaluation: Record<'validation' | 'test', EvaluationJson>;
}

/**
 * Trains as the configuration says and leaves a complete run folder behind: see `RUN_FILES`.
 *
 * @throws USAGE when the folder is in use; CONFIG_INVALID, DATA_…, MODEL_…; TRAIN_DIVERGED; RUN_INVALID when what is to be
 *   resumed is another run; RUN_INTERRUPTED
 */
export async function trainRun(input: RunInput | RunConfig, options: TrainOptions): Promise<RunResult> {
  const { out, resume = false, onEvent = () => {}, signal, ranks = ALONE } = options;
  const warn = (message: string) => onEvent({ type: 'warning', message });
  const models = [...MODELS, ...(options.models ?? [])];
  const config = completeConfig(input, 'config', models);
  const { definition, options: modelOptions } = modelOf(config, models);
  if (resume) await checkSameConfig(out, config, models);
  else if (holdsRun(out)) {
    throw new TwoTowerError(
      'USAGE',
      `${out} already holds a run`,
      `Continue it with twotower train --resume --out ${out}, or name another folder.`,
    );
  } else refuseUsedFolder(out);
  const dataset =
    options.dataset === undefined
      ? await loadInTurn(ranks, config, {
          onProgress(progress) {
            refuseAborted(signal, 'before training began');
            onEvent({ type: 'loading', progress });
          },
        })
      : withLabel(options.dataset, config.label);
  refuseAborted(signal, 'before training began');
  checkLabel(dataset);
  const model = definition.create(dataset.schema, modelOptions);
  checkDefined(config.training.validation.metric, config.evaluation.ks, dataset, model.retrieval !== undefined);
  const known = {
    dataset: dataset.name,
    dataHash: dataset.hash,
    label: dataset.label,
    seed: config.training.seed,
    seenUntil: seenUntil(dataset),
    items: dataset.items.keys.length - 1,
    environment: environment(),
  };
  const before = resume ? (await readRun(out, models)).record : undefined;
  if (before !== undefined) checkSameData(out, before.dataHash, dataset);
  const taught = await inTurn(ranks, () =>
    trainingData(config, dataset, {
      out,
      ...(options.models && { models: options.models }),
      warn,
      onProgress(done) {
        refuseAborted(signal, 'before training began');
        onEvent({ type: 'teaching', done });
      },
    }),
  );
  const { samples } = taught.data;
  const record = {
    ...known,
    ...(taught.teacher !== undefined && { teacher: taught.teacher }),
    ...(samples !== undefined && { samples: hashOfLists(samples, config) }),
  };
  if (before !== undefined) {
    checkSameTeacher(out, before.teacher, taught.teacher);
    checkSameSamples(out, before.samples, record.samples);
  }

  const threads = { threads: config.threads };
  const trainer = await createTraining(ranks, { model, dataset, config, taught, threads, warn });
  const inference = new Inference(model, dataset.schema, (name) => trainer.store.values(name), threads);
  try {
    // Only what can be trained gets a folder.
    if (!resume) await writeRun(out, { config, record, schema: dataset.schema, encoders: dataset.encoders });
    const loop = new TrainingLoop(config, out, dataset, trainer, inference, onEvent, signal);
    if (resume) await loop.restore();
    const parameters = trainer.store.parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    const { step, totalSteps } = trainer;
    for (const { match } of config.training.groups) {
      if (trainer.store.parameters.some(({ name }) => matches(match, name))) continue;
      warn(`training.groups: no parameter fits "${match}"; twotower inspect shows the names`);
    }
    for (const key of unread(config, trainer)) {
      warn(
        `training.teacher${key}: nothing reads it; add an objective that does, such as distill-${key === '' ? 'pointwise' : 'vectors'}`,
      );
    }
    const lists = samples && { count: listCount(samples), stages: countStages(samples.stage, dataset.stages) };
    const partly = partlyMeasured(dataset);
    if (partly !== undefined) warn(partly);
    const trained = dataset.stream?.windows.reduce((sum, { train }) => sum + train, 0) ?? dataset.splits.train.length;
    const count = samples?.item.length ?? trained;
    onEvent({ type: 'begin', samples: count, ...(lists && { lists }), parameters, step, totalSteps });
    const samplesPerSecond = await loop.run();
    const bestStep = await loop.useBest();
    const measure = async (split: 'validation' | 'test') => {
      const onProgress = (done: number) => {
        refuseAborted(signal, 'during the last evaluation', `Continue with: twotower train --resume --out ${out}`);
        onEvent({ type: 'evaluating', split, done });
      };
      onProgress(0);
      const onOutcomes = split === 'test' ? options.onOutcomes : undefined;
      const asked = { ks: config.evaluation.ks, onProgress, ...(onOutcomes && { onOutcomes }) };
      return resultToJson(await evaluate(inference, dataset, dataset.splits[split], asked));
    };
    const evaluation = { validation: await measure('validation'), test: await measure('test') };
    const result = { ...record, config, bestStep, samplesPerSecond, ...evaluation };
    await writeFileAtomic(join(out, RUN_FILES.evaluation), `${JSON.stringify(result, null, 2)}\n`);
    await exportModel(inference, dataset.schema, config, record, join(out, RUN_FILES.model));
    await trainer.end();
    return { folder: out, dataset, samplesPerSecond, bestStep, evaluation };
  } finally {
    await inference.release();
    await trainer.release();
  }
}

function refuseAborted(signal: AbortSignal | undefined, when: string, remedy?: string): void {
  if (signal?.aborted) throw new TwoTowerError('RUN_INTERRUPTED', `stopped ${when}`, remedy);
}

/** A run is continued with the teacher it was begun with. @throws RUN_INVALID */
function checkSameTeacher(folder: string, before: string | undefined, now: string | undefined): void {
  if (before === now) return;
  throw new TwoTowerError(
    'RUN_INVALID',
    `${folder}: the teacher is another than when the run was begun`,
    'Restore the run that training.teacher names, or begin a new run.',
  );
}

/** Keys of `training.teacher` whose scores or vectors no step reads. */
function unread({ training: { teacher } }: RunConfig, training: Training): string[] {
  if (teacher === undefined) return [];
  const vectors = 'run' in teacher ? teacher.vectors : undefined;
  const sides = (['item', 'user'] as const).filter((side) => vectors?.[side] !== undefined);
  // Whoever names vectors need not want the scores, which come along.
  if (sides.length === 0) return training.reads(LIST_FEEDS.teacher) ? [] : [''];
  return sides.filter((side) => !training.reads(VECTOR_FEEDS[side])).map((side) => `.vectors.${side}`);
}

/** A run is continued with the lists it was begun with: a file of candidates may have changed. @throws RUN_INVALID */
function checkSameSamples(folder: string, before: string | undefined, now: string | undefined): void {
  if (before === now) return;
  throw new TwoTowerError(
    'RUN_INVALID',
    `${folder}: the lists are others than when the run was begun`,
    'Restore the file that training.lists.candidateFile names, or begin a new run.',
  );
}

/**
 * A run is continued with the configuration it was begun with, or not at all; where the data lies and threads may change, but not
 * the size of its windows, which the order of the batches follows from.
 */
async function checkSameConfig(folder: string, config: RunConfig, models: TrainOptions['models']): Promise<void> {
  const { config: before } = await readRun(folder, models);
  const moved = (c: RunConfig) => ({ ...c, data: { stream: { window: c.data.stream?.window } }, threads: 0 });
  const changes = differences(moved(before), moved(config), '');
  if (changes.length === 0) return;
  throw new TwoTowerError(
    'RUN_INVALID',
    `${folder} was begun with another configuration:\n${changes.map((change) => `  ${change}`).join('\n')}`,
    'Resume it without a configuration (it is in the folder), or begin a new run.',
  );
}

function differences(before: unknown, now: unknown, path: string): string[] {
  if (isDeepStrictEqual(before, now)) return [];
  const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject(before) || !isObject(now))
    return [`${path}: ${JSON.stringify(before)} then, ${JSON.stringify(now)} now`];
  const [a, b] = [before, now] as Record<string, unknown>[];
  return [...new Set([...Object.keys(a!), ...Object.keys(b!)])].flatMap((key) =>
    differences(a![key], b![key], path === '' ? key : `${path}.${key}`),
  );
}
