import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auc } from '../src/evaluation/auc.js';
import { completeConfig, type RunConfig } from '../src/runs/config.js';
import { environment } from '../src/runs/environment.js';
import { trainRun } from '../src/runs/train.js';
import { generateFacetsLog } from './facets-log.js';
import { option, protocolConfig } from './protocol.js';
import { writeResults } from './results.js';

export const name = 'interaction';
export const description =
  'models on a log that one inner product cannot explain: interaction [--models a,b] [--seeds 1]';

const EVENTS = 300_000;

/**
 * Sizes of the example configurations, without what reads ids, which this log does not have; `fit` and `dat` live on ids and are left out.
 * `dssm-256` has vectors eight times as wide, to see whether width makes up for interaction; the shallow ones have towers of one layer,
 * to see whether it is depth that keeps what meets in the end from being learnt.
 */
const VARIANTS: Record<string, { from: string; overrides: string[] }> = {
  dssm: { from: 'dssm', overrides: [] },
  'dssm-256': { from: 'dssm', overrides: ['model.width=256', 'model.towers=[512, 256]'] },
  hit: { from: 'hit', overrides: [] },
  inttower: { from: 'inttower', overrides: [] },
  'hit-shallow': { from: 'hit', overrides: ['model.towers=[256]'] },
  'inttower-shallow': { from: 'inttower', overrides: ['model.towers=[256]'] },
  ranktower: { from: 'ranktower', overrides: [] },
  cold: { from: 'cold', overrides: ['model.gate=false', 'model.crosses=false'] },
  'dcn-v2': { from: 'dcn-v2', overrides: [] },
};

/**
 * The rate is higher and the passes are more than on KuaiRand-Pure: there are no ids to be learnt by heart, and networks dwell for many
 * passes on what is linear before they find the rest.
 */
function configOf({ from, overrides }: { from: string; overrides: string[] }, seed: number): RunConfig {
  return completeConfig({
    data: 'generated',
    model: protocolConfig(from, seed, overrides).model,
    training: { seed, epochs: 40, batchSize: 512, learningRate: 0.002, validation: { metric: 'auc', patience: 10 } },
  });
}

export async function run(args: readonly string[]): Promise<void> {
  const models = option(args, '--models', Object.keys(VARIANTS).join(',')).split(',');
  const seeds = option(args, '--seeds', '1').split(',').map(Number);
  const folder = await mkdtemp(join(tmpdir(), 'twotower-interaction-'));
  const rows = [];
  const bounds = [];
  for (const seed of seeds) {
    const { dataset, truth, additive } = generateFacetsLog(seed, EVENTS);
    const { test } = dataset.splits;
    const labels = Array.from(test, (row) => dataset.events.feedback.get('click')![row]!);
    const of = (scores: Float32Array) =>
      auc(
        Float32Array.from(test, (row) => scores[row]!),
        labels,
      )!;
    bounds.push({ seed, truth: of(truth), sumOfFacets: of(additive) });
    console.log(
      `seed ${seed}: the truth ${of(truth).toFixed(4)}, the sum of the facets alone ${of(additive).toFixed(4)}`,
    );
    for (const model of models) {
      const config = configOf(VARIANTS[model]!, seed);
      const { evaluation, bestStep } = await trainRun(config, { out: join(folder, `${model}-${seed}`), dataset });
      const { validation, test: found } = evaluation;
      rows.push({ model, seed, bestStep, validation: validation.metrics, test: found.metrics });
      console.log(`${model.padEnd(10)} seed ${seed}  auc ${found.metrics.auc!.toFixed(4)}  step ${bestStep}`);
      await writeResults('interaction', { events: EVENTS, bounds, rows, environment: environment() });
    }
  }
  await rm(folder, { recursive: true });
}
