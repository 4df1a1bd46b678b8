import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dataset } from '../src/data/dataset.js';
import { loadDataset } from '../src/data/load.js';
import { TwoTowerError } from '../src/errors.js';
import { packagePath } from '../src/package-root.js';
import { Random } from '../src/random.js';
import { environment } from '../src/runs/environment.js';
import { readConfig } from '../src/runs/read-config.js';
import { trainRun } from '../src/runs/train.js';
import { writeResults } from './results.js';

export const name = 'quality';
export const description =
  'models on KuaiRand-Pure, several seeds: quality [--models a,b] [--seeds 1,2,3] [--permuted]';

const METRICS = ['auc', 'gauc', 'logloss', 'recall@20', 'recall@100', 'ndcg@20', 'ndcg@100'] as const;

interface Row {
  model: string;
  seed: number;
  validation: Record<string, number | null>;
  test: Record<string, number | null>;
  samplesPerSecond: number;
}

/** The same log with its labels dealt out anew: what is left to learn is nothing. */
function permuted(dataset: Dataset, seed: number): Dataset {
  const column = dataset.events.feedback.get(dataset.label)!.slice();
  const order = Random.of(seed, 'permuted labels').shuffle(Float32Array.from(column));
  const feedback = new Map(dataset.events.feedback).set(dataset.label, order);
  return { ...dataset, events: { ...dataset.events, feedback } };
}

function option(args: readonly string[], name: string, fallback: string): string {
  const at = args.indexOf(name);
  if (at < 0) return fallback;
  const value = args[at + 1];
  if (value === undefined) throw new TwoTowerError('USAGE', `${name} needs a value`);
  return value;
}

export async function run(args: readonly string[]): Promise<void> {
  const models = option(args, '--models', 'dssm').split(',');
  const seeds = option(args, '--seeds', '1,2,3').split(',').map(Number);
  const shuffled = args.includes('--permuted');
  const dataset = await loadDataset('kuairand-pure');
  const folder = await mkdtemp(join(tmpdir(), 'twotower-quality-'));
  const rows: Row[] = [];
  const configs: Record<string, unknown> = {};
  for (const model of models) {
    for (const seed of seeds) {
      const config = readConfig(packagePath('configs', `${model}-kuairand.yaml`), [`training.seed=${seed}`]);
      configs[model] = { ...config, training: { ...config.training, seed: null } };
      const data = shuffled ? permuted(dataset, seed) : dataset;
      const result = await trainRun(config, { out: join(folder, `${model}-${seed}`), dataset: data });
      const { validation, test } = result.evaluation;
      rows.push({
        model,
        seed,
        validation: validation.metrics,
        test: test.metrics,
        samplesPerSecond: Math.round(result.samplesPerSecond ?? 0),
      });
      console.log(line(`${model} seed ${seed}`, rows.slice(-1)));
    }
    console.log(
      line(
        `${model} mean ± deviation`,
        rows.filter((row) => row.model === model),
      ),
    );
  }
  await rm(folder, { recursive: true });
  const file = `quality-${models.join('-')}${shuffled ? '-permuted' : ''}`;
  await writeResults(file, {
    dataset: dataset.name,
    dataHash: dataset.hash,
    permuted: shuffled,
    configs,
    rows,
    environment: environment(),
  });
}

/** Mean over seeds, with the standard deviation where there are several. */
function line(title: string, rows: readonly Row[]): string {
  const cells = METRICS.map((metric) => {
    const values = rows.flatMap(({ test }) => test[metric] ?? []);
    if (values.length === 0) return `${metric} –`;
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, values.length - 1));
    return `${metric} ${mean.toFixed(4)}${values.length > 1 ? ` ± ${deviation.toFixed(4)}` : ''}`;
  });
  const speed = rows.reduce((total, row) => total + row.samplesPerSecond, 0) / rows.length;
  return `${title.padEnd(28)} ${cells.join('  ')}  ${Math.round(speed).toLocaleString('en-US')} samples/s`;
}
