import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Dataset } from '../src/data/dataset.js';
import { loadDataset } from '../src/data/load.js';
import { add, squeeze } from '../src/graph/index.js';
import { defineModel } from '../src/models/contract.js';
import { linearBias } from '../src/nn/linear-bias.js';
import { completeConfig } from '../src/runs/config.js';
import { environment } from '../src/runs/environment.js';
import { line, option, protocolConfig, type Row, trainSeed } from './protocol.js';
import { writeResults } from './results.js';

export const name = 'ceiling';
export const description = 'how much of KuaiRand-Pure there is to learn, and what limits it: ceiling [--seeds 1,2]';

/** One number per user, item and value of a field, and no interaction at all. */
const linear = defineModel({
  name: 'linear',
  title: 'Sum of numbers read off the fields',
  options: z.strictObject({}),
  create: () => ({
    item: ({ fields }) => ({ bias: linearBias(fields)! }),
    user: ({ fields, context }) => ({ bias: linearBias([...fields, ...context])! }),
    score: (user, item) => add(squeeze(user.bias!, -1), squeeze(item.bias!, -1)),
  }),
});

interface Variant {
  title: string;
  model: string;
  overrides?: string[];
  /** Only the newest part of the training events. */
  share?: number;
}

const WIDE = ['model.embedding=64', 'model.width=128', 'model.towers=[512, 256]'];

const VARIANTS: Variant[] = [
  { title: 'no interaction: a number per field value', model: 'linear' },
  { title: 'two towers', model: 'dssm' },
  { title: 'two towers, four times as wide', model: 'dssm', overrides: WIDE },
  ...[0.5, 0.25].flatMap((share) =>
    ['linear', 'dssm', 'dcn-v2'].map((model) => ({ title: `${model} on the newest ${100 * share} %`, model, share })),
  ),
];

function newest(dataset: Dataset, share = 1): Dataset {
  const { train } = dataset.splits;
  return { ...dataset, splits: { ...dataset.splits, train: train.subarray(Math.round((1 - share) * train.length)) } };
}

export async function run(args: readonly string[]): Promise<void> {
  const seeds = option(args, '--seeds', '1,2').split(',').map(Number);
  const dataset = await loadDataset('kuairand-pure');
  const folder = await mkdtemp(join(tmpdir(), 'twotower-ceiling-'));
  const found: (Variant & { rows: Row[] })[] = [];
  for (const [at, variant] of VARIANTS.entries()) {
    const rows: Row[] = [];
    for (const seed of seeds) {
      const from = protocolConfig(variant.model === 'linear' ? 'dssm' : variant.model, seed, variant.overrides);
      const config =
        variant.model === 'linear' ? completeConfig({ ...from, model: { name: 'linear' } }, '', [linear]) : from;
      rows.push(await trainSeed(config, newest(dataset, variant.share), join(folder, `${at}-${seed}`), [linear]));
      console.log(line(`${variant.title}, seed ${seed}`, rows.slice(-1)));
    }
    found.push({ ...variant, rows });
    await writeResults('ceiling', { dataHash: dataset.hash, variants: found, environment: environment() });
  }
  await rm(folder, { recursive: true });
}
