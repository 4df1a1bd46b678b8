import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Dataset } from '../src/data/dataset.js';
import { TwoTowerError } from '../src/errors.js';
import type { ModelDefinition } from '../src/models/contract.js';
import { packagePath } from '../src/package-root.js';
import type { RunConfig } from '../src/runs/config.js';
import { RUN_FILES } from '../src/runs/folder.js';
import { readConfig } from '../src/runs/read-config.js';
import { trainRun } from '../src/runs/train.js';

/** The figures that quality tables show, in their order. */
export const METRICS = ['auc', 'gauc', 'logloss', 'recall@20', 'recall@100', 'ndcg@20', 'ndcg@100'] as const;

export type Metric = (typeof METRICS)[number];

/** One trained and evaluated run. */
export interface Row {
  model: string;
  seed: number;
  /** The step whose parameters were evaluated: the best of the validations. */
  bestStep: number;
  validation: Record<string, number | null>;
  test: Record<string, number | null>;
  samplesPerSecond: number;
}

/** The example configuration of a model on KuaiRand-Pure, with some keys set otherwise: `model.heads=2`. */
export function protocolConfig(model: string, seed: number, overrides: readonly string[] = []): RunConfig {
  return readConfig(packagePath('configs', `${model}-kuairand.yaml`), [...overrides, `training.seed=${seed}`]);
}

/** What the runs of several seeds have in common, for a result file. */
export function withoutSeed(config: RunConfig): unknown {
  return { ...config, training: { ...config.training, seed: null } };
}

/**
 * Trains in the folder `out`, stops by validation, evaluates on the test part. A run that was finished there is read, one that was
 * begun goes on. @throws USAGE where `out` holds a run with other settings
 */
export async function trainSeed(
  config: RunConfig,
  dataset: Dataset,
  out: string,
  // biome-ignore lint/suspicious/noExplicitAny: each model validates its own options
  models: readonly ModelDefinition<any>[] = [],
): Promise<Row> {
  const finished = join(out, RUN_FILES.evaluation);
  if (!existsSync(finished)) {
    await trainRun(config, { out, dataset, models, resume: existsSync(join(out, RUN_FILES.run)) });
  }
  const run = JSON.parse(readFileSync(finished, 'utf8'));
  if (!isDeepStrictEqual(run.config, JSON.parse(JSON.stringify(config)))) {
    throw new TwoTowerError('USAGE', `${out} holds a run with other settings`, 'Give another folder with --runs.');
  }
  return {
    model: config.model.name,
    seed: config.training.seed,
    bestStep: run.bestStep,
    validation: run.validation.metrics,
    test: run.test.metrics,
    samplesPerSecond: Math.round(run.samplesPerSecond ?? 0),
  };
}

/** Mean and standard deviation over the seeds, 0 for one; undefined where the model has no such figure. */
export function meanOf(rows: readonly Row[], metric: Metric): { mean: number; deviation: number } | undefined {
  const values = rows.flatMap(({ test }) => test[metric] ?? []);
  if (values.length === 0) return undefined;
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const squares = values.reduce((a, b) => a + (b - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / Math.max(1, values.length - 1)) };
}

/** `0.7411 ± 0.0008`; the deviation only where there are several seeds, a dash where there is no such figure. */
export function cell(rows: readonly Row[], metric: Metric): string {
  const found = meanOf(rows, metric);
  if (found === undefined) return '–';
  return `${found.mean.toFixed(4)}${rows.length > 1 ? ` ± ${found.deviation.toFixed(4)}` : ''}`;
}

/** One line of progress. */
export function line(title: string, rows: readonly Row[]): string {
  const cells = METRICS.map((metric) => `${metric} ${cell(rows, metric)}`);
  const speed = rows.reduce((total, row) => total + row.samplesPerSecond, 0) / rows.length;
  return `${title.padEnd(28)} ${cells.join('  ')}  ${Math.round(speed).toLocaleString('en-US')} samples/s`;
}

/** The value that follows `--name` among the arguments, or the fallback. */
export function option(args: readonly string[], name: string, fallback: string): string {
  const at = args.indexOf(name);
  if (at < 0) return fallback;
  const value = args[at + 1];
  if (value === undefined) throw new TwoTowerError('USAGE', `${name} needs a value`);
  return value;
}
