import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import type { Dataset } from '../data/dataset.js';
import { eventScores } from '../data/pair-columns.js';
import { type SampleTable, scoresOfSamples, withTeacher } from '../data/samples.js';
import { TwoTowerError } from '../errors.js';
import { drawLists } from '../training/lists.js';
import type { TrainingData } from '../training/trainer.js';
import type { RunConfig } from './config.js';
import { checkSameData, loadRunData, seenUntil } from './data.js';
import { type OpenOptions, openRun, type Run } from './open.js';
import { keptScores, SCORE_CACHE, type ScoreCache, scoreKey } from './score-cache.js';
import { type EventItems, scorePairs } from './score-pairs.js';
import { teacherVectors } from './teacher-vectors.js';

export interface TeachOptions extends Pick<OpenOptions, 'models'> {
  /** The run folder that is trained; kept scores lie in `SCORE_CACHE` beside it. */
  out: string;
  warn: (message: string) => void;
  /** Told the share done, 0 to 1, while a teacher scores. */
  onProgress: (done: number) => void;
}

export interface Taught {
  data: TrainingData;
  /** SHA-256 over the teacher's model and parameters; absent where there is no teacher that is a run. */
  teacher?: string;
}

/**
 * What a run trains on besides the dataset: its lists, and a teacher's scores of them or of the events of the training part.
 *
 * A teacher that is a run scores everything but randoms, of which it has learned nothing. The scores are computed once and kept
 * under a key of data, teacher and samples.
 *
 * @throws RUN_INVALID where the teacher knows other data, DATA_COLUMN where there is no such score column, DATA_VALUE where it
 *   is empty
 */
export async function trainingData(config: RunConfig, dataset: Dataset, options: TeachOptions): Promise<Taught> {
  const { lists, teacher, seed } = config.training;
  const samples = lists && (await drawLists(dataset, lists, seed));
  if (teacher === undefined) return { data: samples === undefined ? {} : { samples } };
  if ('column' in teacher) {
    const scores = eventScores(dataset, teacher.column);
    const data = samples ? { samples: withColumn(samples, scores) } : { teacher: scores };
    const asked = data.samples?.teacher ?? Float32Array.from(dataset.splits.train, (row) => scores[row]!);
    if (!asked.every(Number.isNaN)) return { data };
    throw new TwoTowerError(
      'DATA_VALUE',
      `training.teacher.column: "${teacher.column}" has no score for anything that is trained on`,
      'Name another column, or take the scores of a run: training.teacher.run.',
    );
  }
  const run = await openRun(teacher.run, {
    warn: options.warn,
    threads: config.threads,
    ...(options.models && { models: options.models }),
  });
  try {
    const own = await datasetOf(run, config, dataset);
    if ((run.record.seenUntil ?? seenUntil(own)) > seenUntil(dataset)) {
      options.warn(`the teacher ${teacher.run} saw later events than this run: metrics of what follows are flattered`);
    }
    const digest = digestOf(run);
    const cache = { folder: join(dirname(resolve(options.out)), SCORE_CACHE), warn: options.warn };
    const asked = samples ?? trainingEvents(dataset);
    const scores = await cachedScores(run, own, digest, asked, cache, options.onProgress);
    const vectors = teacher.vectors && (await teacherVectors(run, own, digest, asked.event, teacher.vectors, cache));
    const scored = samples ? { samples: withTeacher(samples, scores) } : { teacher: byEvent(dataset, scores) };
    return { data: { ...scored, ...(vectors && { vectors }) }, teacher: digest };
  } finally {
    await run.release();
  }
}

type TaughtSamples = Pick<SampleTable, 'event' | 'item' | 'stage'>;

/** The training part as samples. */
function trainingEvents({ events, splits }: Dataset): TaughtSamples {
  const event = splits.train;
  return {
    event,
    item: Int32Array.from(event, (row) => events.item[row]!),
    stage: Uint8Array.from(event, (row) => events.stage[row]!),
  };
}

/** A log's own scores where it has them; what candidates brought along elsewhere. */
function withColumn(samples: SampleTable, column: Float32Array): SampleTable {
  const scores = scoresOfSamples(samples, column);
  return withTeacher(
    samples,
    scores.map((score, row) => (Number.isNaN(score) ? (samples.teacher?.[row] ?? score) : score)),
  );
}

function byEvent({ events, splits }: Dataset, scores: Float32Array): Float32Array {
  const result = new Float32Array(events.count).fill(Number.NaN);
  splits.train.forEach((row, i) => {
    result[row] = scores[i]!;
  });
  return result;
}

/**
 * The dataset as the teacher knows it. Where only the split differs, users, items and events have the same rows, but other
 * vocabularies.
 */
async function datasetOf(run: Run, config: RunConfig, dataset: Dataset): Promise<Dataset> {
  if (run.record.dataHash === dataset.hash) return dataset;
  const otherSplit = JSON.stringify(run.config.data.split) !== JSON.stringify(config.data.split);
  if (!otherSplit) checkSameData(run.folder, run.record.dataHash, dataset);
  const own = await loadRunData(run.config, { root: config.data.root, whole: true });
  checkSameData(run.folder, run.record.dataHash, own);
  if (own.logHash !== dataset.logHash) {
    throw new TwoTowerError(
      'RUN_INVALID',
      `${run.folder}: the teacher was trained on ${own.name}, another log than ${dataset.name}`,
      'A teacher and its student need the same dataset; only the split may differ.',
    );
  }
  return own;
}

async function cachedScores(
  run: Run,
  dataset: Dataset,
  digest: string,
  { event, item, stage }: TaughtSamples,
  cache: ScoreCache,
  onProgress: (done: number) => void,
): Promise<Float32Array> {
  const key = scoreKey([dataset.hash, digest, event, item, stage]);
  return keptScores(cache, key, item.length, async () => {
    const rows = Uint32Array.from(item.keys()).filter((row) => stage[row]! > 0);
    const asked: EventItems = {
      event: rows.map((row) => event[row]!),
      item: Int32Array.from(rows, (row) => item[row]!),
    };
    const logits = await scorePairs(run.inference, dataset, asked, onProgress);
    const scores = new Float32Array(item.length).fill(Number.NaN);
    rows.forEach((row, i) => {
      scores[row] = logits[i]!;
    });
    return scores;
  });
}

function digestOf({ inference, config, schema }: Run): string {
  const hash = createHash('sha256').update(JSON.stringify([config.model, schema]));
  for (const { name } of inference.parameters) {
    const { buffer, byteOffset, byteLength } = inference.value(name);
    hash.update(`\0${name}\0${byteLength}\0`).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex');
}
