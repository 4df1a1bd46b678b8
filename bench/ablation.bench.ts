import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadDataset } from '../src/data/load.js';
import { didYouMean, TwoTowerError } from '../src/errors.js';
import { environment } from '../src/runs/environment.js';
import { ABLATED, VARIANTS, type Variant } from './ablations.js';
import { line, option, protocolConfig, type Row, trainSeed, withoutSeed } from './protocol.js';
import { writeResults } from './results.js';

export const name = 'ablation';
export const description = `a model without its parts, on KuaiRand-Pure: ablation --model ${ABLATED.join('|')} [--seeds 1,2] [--runs FOLDER]`;

export async function run(args: readonly string[]): Promise<void> {
  const model = option(args, '--model', '');
  const variants = VARIANTS[model];
  if (variants === undefined) {
    throw new TwoTowerError(
      'USAGE',
      `--model ${model}: ${didYouMean(model, ABLATED)}`,
      `Known: ${ABLATED.join(', ')}.`,
    );
  }
  const seeds = option(args, '--seeds', '1,2').split(',').map(Number);
  const dataset = await loadDataset('kuairand-pure');
  const kept = option(args, '--runs', '');
  const folder = kept === '' ? await mkdtemp(join(tmpdir(), 'twotower-ablation-')) : resolve(kept);
  const found: (Variant & { rows: Row[] })[] = [];
  for (const [at, variant] of variants.entries()) {
    const rows: Row[] = [];
    for (const seed of seeds) {
      const config = protocolConfig(model, seed, variant.overrides);
      rows.push(await trainSeed(config, dataset, join(folder, `${model}-${at}-${seed}`)));
      console.log(line(`${variant.title}, seed ${seed}`, rows.slice(-1)));
    }
    found.push({ ...variant, rows });
    await writeResults(`ablation-${model}`, {
      dataset: dataset.name,
      dataHash: dataset.hash,
      config: withoutSeed(protocolConfig(model, 0)),
      variants: found,
      environment: environment(),
    });
  }
  if (kept === '') await rm(folder, { recursive: true });
}
