import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Dataset } from '../src/data/dataset.js';
import { loadDataset } from '../src/data/load.js';
import { Random } from '../src/random.js';
import { environment } from '../src/runs/environment.js';
import { line, option, protocolConfig, type Row, trainSeed, withoutSeed } from './protocol.js';
import { writeResults } from './results.js';

export const name = 'quality';
export const description =
  'models on KuaiRand-Pure, several seeds: quality [--models a,b] [--seeds 1,2,3] [--permuted] [--runs FOLDER]';

/** The same log with its labels dealt out anew: what is left to learn is nothing. */
function permuted(dataset: Dataset, seed: number): Dataset {
  const column = dataset.events.feedback.get(dataset.label)!.slice();
  const order = Random.of(seed, 'permuted labels').shuffle(Float32Array.from(column));
  const feedback = new Map(dataset.events.feedback).set(dataset.label, order);
  return { ...dataset, events: { ...dataset.events, feedback } };
}

export async function run(args: readonly string[]): Promise<void> {
  const models = option(args, '--models', 'dssm').split(',');
  const seeds = option(args, '--seeds', '1,2,3').split(',').map(Number);
  const kept = option(args, '--runs', '');
  const shuffled = args.includes('--permuted');
  const dataset = await loadDataset('kuairand-pure');
  const folder = kept === '' ? await mkdtemp(join(tmpdir(), 'twotower-quality-')) : resolve(kept);
  for (const model of models) {
    const rows: Row[] = [];
    for (const seed of seeds) {
      const config = protocolConfig(model, seed);
      const data = shuffled ? permuted(dataset, seed) : dataset;
      rows.push(await trainSeed(config, data, join(folder, `${model}-${seed}`)));
      console.log(line(`${model} seed ${seed}`, rows.slice(-1)));
    }
    console.log(line(`${model} mean ± deviation`, rows));
    await writeResults(`quality-${model}${shuffled ? '-permuted' : ''}`, {
      dataset: dataset.name,
      dataHash: dataset.hash,
      permuted: shuffled,
      configs: { [model]: withoutSeed(protocolConfig(model, 0)) },
      rows,
      environment: environment(),
    });
  }
  if (kept === '') await rm(folder, { recursive: true });
}
