import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { EncoderState } from '../data/dataset.js';
import { TwoTowerError } from '../errors.js';
import { writeFileAtomic } from '../files.js';
import type { Schema } from '../schema.js';
import { parseConfig, type RunConfig } from './config.js';
import type { Environment } from './environment.js';
import { refuseUnwritable } from './writable.js';

/**
 * A run folder:
 *
 *     config.yaml        the configuration with every default filled in
 *     run.json           data hash, versions, machine
 *     schema.json        the features the model was built for
 *     encoders.json      vocabularies and scalers: raw values → feeds
 *     metrics.jsonl      one line per report: training progress and validations
 *     checkpoints/       the last ones and the best
 *     evaluation.json    metrics of the best checkpoint on validation and test
 *     model/             item.onnx, user.onnx, score.onnx and their manifest
 */
export const RUN_FILES = {
  config: 'config.yaml',
  run: 'run.json',
  schema: 'schema.json',
  encoders: 'encoders.json',
  metrics: 'metrics.jsonl',
  checkpoints: 'checkpoints',
  evaluation: 'evaluation.json',
  model: 'model',
} as const;

export interface RunRecord {
  dataset: string;
  dataHash: string;
  label: string;
  seed: number;
  /** Time of the last event that training or the choice of the checkpoint saw, in seconds since 1970. */
  seenUntil?: number;
  /** Items of the catalogue that the data had, whether an event names them or not. */
  items?: number;
  /** SHA-256 over model and parameters of the run it learned from. */
  teacher?: string;
  /** SHA-256 over the lists it is trained on, where it is trained on lists. */
  samples?: string;
  environment: Environment;
}

export interface RunDescription {
  config: RunConfig;
  record: RunRecord;
  schema: Schema;
  encoders: EncoderState;
}

export function holdsRun(folder: string): boolean {
  return existsSync(join(folder, RUN_FILES.run));
}

/**
 * Nothing is ever written among the files of others, and no work is begun whose result could not be written.
 *
 * @throws USAGE unless the folder is empty or does not exist, and can be made
 */
export function refuseUsedFolder(folder: string): void {
  if (existsSync(folder) && (!statSync(folder).isDirectory() || readdirSync(folder).length > 0)) {
    throw new TwoTowerError('USAGE', `${folder} exists and is not an empty folder`, 'Name another folder.');
  }
  refuseUnwritable(folder);
}

/** Writes all that is known before training; `run.json` last, so that a folder with it is complete. */
export async function writeRun(folder: string, { config, record, schema, encoders }: RunDescription): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(join(folder, RUN_FILES.config), stringify(config));
  await writeFileAtomic(join(folder, RUN_FILES.schema), `${JSON.stringify(schema, null, 2)}\n`);
  await writeFileAtomic(join(folder, RUN_FILES.encoders), `${JSON.stringify(encoders)}\n`);
  await writeFileAtomic(join(folder, RUN_FILES.run), `${JSON.stringify(record, null, 2)}\n`);
}

/**
 * Reads a run folder.
 *
 * @param models besides the registered ones, those its configuration may name
 * @throws RUN_INVALID where it is none or incomplete
 */
export async function readRun(folder: string, models?: Parameters<typeof parseConfig>[2]): Promise<RunDescription> {
  if (!holdsRun(folder)) {
    throw new TwoTowerError(
      'RUN_INVALID',
      `${folder} is not a run folder: it has no ${RUN_FILES.run}`,
      'Give the folder that twotower train wrote.',
    );
  }
  const read = async (name: string) => {
    try {
      return await readFile(join(folder, name), 'utf8');
    } catch {
      throw new TwoTowerError(
        'RUN_INVALID',
        `${folder} is incomplete: ${name} cannot be read`,
        'Train again, or copy the folder whole.',
      );
    }
  };
  const damaged = (name: string, how: string) =>
    new TwoTowerError(
      'RUN_INVALID',
      `${join(folder, name)} is damaged: ${how}`,
      'Train again, or copy the folder anew.',
    );
  const json = async (name: string, shape: z.ZodType) => {
    const text = await read(name);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw damaged(name, 'it is not JSON');
    }
    const issue = shape.safeParse(value).error?.issues[0];
    if (issue !== undefined) throw damaged(name, `${issue.path.join('.') || 'it'} is not what training wrote`);
    return value;
  };
  const text = await read(RUN_FILES.config);
  // Its last key, which is always written: without it a file that was cut short would pass for one with other defaults.
  if (!/^threads: ./m.test(text)) throw damaged(RUN_FILES.config, 'it ends before its last key, threads');
  return {
    config: parseConfig(text, join(folder, RUN_FILES.config), models),
    record: (await json(RUN_FILES.run, recordShape)) as RunRecord,
    schema: (await json(RUN_FILES.schema, schemaShape)) as Schema,
    encoders: (await json(RUN_FILES.encoders, encodersShape)) as EncoderState,
  };
}

/** As much of the files as tells that they are whole. */
const recordShape = z.looseObject({ dataset: z.string(), dataHash: z.string(), label: z.string(), seed: z.number() });
const features = z.array(z.looseObject({ name: z.string() }));
const schemaShape = z.looseObject({ user: features, context: features, item: features, histories: features });
const fields = z.array(z.looseObject({ name: z.string(), owner: z.string(), kind: z.string(), column: z.string() }));
const encodersShape = z.looseObject({ fields, vocabularies: z.looseObject({}) });
