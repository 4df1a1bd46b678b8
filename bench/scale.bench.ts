import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeGeneratedLog } from '../src/data/generate-log.js';
import { loadDataset } from '../src/data/load.js';
import { completeConfig, modelOf } from '../src/runs/config.js';
import { environment } from '../src/runs/environment.js';
import { Trainer } from '../src/training/trainer.js';
import { writeResults } from './results.js';

export const name = 'scale';
export const description =
  'a generated log of 20 million events with 10 fields: time and memory to load it and to train [EVENTS]';

const STEPS = 200;
const MODEL = { name: 'dssm', embedding: 16, towers: [128, 64], width: 32 };

const peakMemory = () => process.resourceUsage().maxRSS / 2 ** 20;
const seconds = (since: number) => (performance.now() - since) / 1000;

export async function run([count = '20000000']: readonly string[]): Promise<void> {
  const events = Number(count);
  const folder = await mkdtemp(join(tmpdir(), 'twotower-scale-'));
  let started = performance.now();
  const description = await writeGeneratedLog(folder, { events });
  const write = seconds(started);
  const before = peakMemory();

  started = performance.now();
  let stage = '';
  const dataset = await loadDataset(description, {
    onProgress: (progress) => {
      if (progress.stage !== stage) console.log(`${seconds(started).toFixed(0).padStart(5)} s  ${progress.stage}`);
      stage = progress.stage;
    },
  });
  const load = seconds(started);
  const loaded = peakMemory();

  const config = completeConfig({ data: description, model: MODEL, training: { batchSize: 2048, epochs: 1 } });
  const { definition, options } = modelOf(config);
  const trainer = await Trainer.create(definition.create(dataset.schema, options), dataset, config.training);
  for (let i = 0; i < 10; i++) await trainer.next();
  started = performance.now();
  for (let i = 0; i < STEPS; i++) await trainer.next();
  const samplesPerSecond = (STEPS * config.training.batchSize) / seconds(started);
  await trainer.release();
  const fields = dataset.schema.user.length + dataset.schema.item.length + dataset.schema.context.length;
  const result = {
    events: dataset.events.count,
    fields,
    histories: dataset.schema.histories.length,
    writeSeconds: write,
    loadSeconds: load,
    samplesPerSecond,
    memoryGiB: { beforeLoading: before, afterLoading: loaded, afterTraining: peakMemory() },
  };
  console.log(result);
  await writeResults('scale', { ...result, model: MODEL, environment: environment() });
  await rm(folder, { recursive: true });
}
