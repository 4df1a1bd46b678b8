import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadDataset } from '../src/data/load.js';
import { didYouMean, TwoTowerError } from '../src/errors.js';
import { packagePath } from '../src/package-root.js';
import { environment } from '../src/runs/environment.js';
import { readConfig } from '../src/runs/read-config.js';
import { option, type Row, trainSeed, withoutSeed } from './protocol.js';
import { writeResults } from './results.js';
import { transitionMetrics } from './transitions.js';

export const name = 'next-item';
export const description =
  'which film comes next, of all there are (MovieLens-1M): next-item [--data FOLDER] [--seeds 1,2] [--models a,b] [--runs FOLDER]';

const METRICS = ['recall@20', 'mrr@20', 'ndcg@20'];

/** A configuration under `configs/`, and the keys in which a contestant differs from it. */
const CONTESTANTS: Record<string, { config: string; set: string[] }> = {
  t2diff: { config: 't2diff-movielens-1m', set: [] },
  'session-transformer': { config: 't2diff-movielens-1m', set: ['model.generator=none'] },
  'youtube-dnn': { config: 'youtube-dnn-movielens-1m', set: [] },
};

/** From the paper by way of a third party's notes: another choice of users and of moments, another number of epochs. */
const PUBLISHED = { model: 't2diff', 'recall@20': 0.27727, 'mrr@20': 0.0873 };

export async function run(args: readonly string[]): Promise<void> {
  const root = option(args, '--data', '');
  const seeds = option(args, '--seeds', '1,2').split(',').map(Number);
  const names = option(args, '--models', Object.keys(CONTESTANTS).join()).split(',');
  const dataset = await loadDataset('movielens-1m-next', root === '' ? {} : { root });
  const kept = option(args, '--runs', '');
  const folder = kept === '' ? await mkdtemp(join(tmpdir(), 'twotower-next-item-')) : resolve(kept);
  const counted = transitionMetrics(dataset, dataset.splits.test, 20);
  console.log(
    `${'counts of transitions'.padEnd(38)} ${METRICS.map((metric) => `${metric} ${counted[metric]?.toFixed(4)}`).join('  ')}`,
  );
  for (const name of names) {
    const contestant = CONTESTANTS[name];
    if (contestant === undefined) {
      throw new TwoTowerError('USAGE', `no model "${name}" takes part`, didYouMean(name, Object.keys(CONTESTANTS)));
    }
    const configOf = (seed: number) =>
      readConfig(packagePath('configs', `${contestant.config}.yaml`), [...contestant.set, `training.seed=${seed}`]);
    const rows: Row[] = [];
    for (const seed of seeds) {
      rows.push(await trainSeed(configOf(seed), dataset, join(folder, `${name}-${seed}`)));
      console.log(line(`${name} seed ${seed}`, rows.slice(-1)));
      // After every seed: what takes an hour may be stopped.
      await writeResults(`next-item-${name}`, {
        dataset: dataset.name,
        dataHash: dataset.hash,
        config: withoutSeed(configOf(0)),
        rows,
        transitions: counted,
        published: PUBLISHED,
        environment: environment(),
      });
    }
    console.log(line(`${name} mean ± deviation`, rows));
  }
  if (kept === '') await rm(folder, { recursive: true });
  console.log(`published, second-hand, under another protocol: t2diff recall@20 0.277  mrr@20 0.087`);
}

/** Means over seeds, with the standard deviation where there are several. */
function line(title: string, rows: readonly Row[]): string {
  const cells = METRICS.map((metric) => {
    const values = rows.map(({ test }) => test[metric] ?? Number.NaN);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, values.length - 1));
    return `${metric} ${mean.toFixed(4)}${values.length > 1 ? ` ± ${deviation.toFixed(4)}` : ''}`;
  });
  const speed = rows.reduce((total, row) => total + row.samplesPerSecond, 0) / rows.length;
  return `${title.padEnd(38)} ${cells.join('  ')}  ${Math.round(speed).toLocaleString('en-US')} samples/s`;
}
