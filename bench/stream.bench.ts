import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeGeneratedLog } from '../src/data/generate-log.js';
import { completeConfig, modelOf } from '../src/runs/config.js';
import { loadRunData } from '../src/runs/data.js';
import { environment } from '../src/runs/environment.js';
import { Trainer } from '../src/training/trainer.js';
import { writeResults } from './results.js';

export const name = 'stream';
export const description =
  'a generated log of 200 million events, streamed: time, disk and memory to prepare its windows and to train [EVENTS [MINUTES [WINDOW]]]';

const MODEL = { name: 'dssm', embedding: 16, towers: [128, 64], width: 32 };
const TABLES = ['events.parquet', 'items.parquet', 'users.parquet'];

const peakMemory = () => process.resourceUsage().maxRSS / 2 ** 20;
const seconds = (since: number) => (performance.now() - since) / 1000;
const gibibytes = (files: string[]) => files.reduce((sum, file) => sum + statSync(file).size, 0) / 2 ** 30;

export async function run([first = '200000000', second = '5', third = '5000000']: readonly string[]): Promise<void> {
  if (first === 'write') {
    await writeGeneratedLog(second, { events: Number(third) });
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'twotower-stream-'));
  try {
    const result = await measure(folder, Number(first), Number(second), Number(third));
    console.log(result);
    await writeResults('stream', { ...result, model: MODEL, environment: environment() });
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measure(folder: string, events: number, minutes: number, window: number) {
  let started = performance.now();
  // A process of its own: what writing takes is not what reading takes.
  execFileSync(process.execPath, [process.argv[1]!, name, 'write', folder, String(events)]);
  const writeSeconds = seconds(started);

  started = performance.now();
  let stage = '';
  const config = completeConfig({
    data: { dataset: join(folder, 'dataset.yaml'), stream: { window, cache: join(folder, 'windows') } },
    model: MODEL,
    training: { batchSize: 2048, epochs: 1 },
  });
  const dataset = await loadRunData(config, {
    onProgress: (progress) => {
      if (progress.stage !== stage) {
        console.log(`${seconds(started).toFixed(0).padStart(5)} s  ${peakMemory().toFixed(2)} GiB  ${progress.stage}`);
      }
      stage = progress.stage;
    },
  });
  const prepareSeconds = seconds(started);
  const afterPreparing = peakMemory();
  const { folder: prepared, windows } = dataset.stream!;

  const { definition, options } = modelOf(config);
  const trainer = await Trainer.create(definition.create(dataset.schema, options), dataset, config.training);
  await trainer.next();
  started = performance.now();
  let trained = 0;
  while (trainer.step < trainer.totalSteps && seconds(started) < minutes * 60) {
    await trainer.next();
    trained += trainer.pairs;
  }
  const samplesPerSecond = trained / seconds(started);
  await trainer.release();
  return {
    events: windows.reduce((sum, one) => sum + one.events, 0),
    windows: windows.length,
    windowEvents: window,
    writeSeconds,
    prepareSeconds,
    trainedEvents: trained,
    samplesPerSecond,
    diskGiB: {
      log: gibibytes(TABLES.map((file) => join(folder, file))),
      windows: gibibytes(readdirSync(prepared).map((file) => join(prepared, file))),
    },
    memoryGiB: { afterPreparing, afterTraining: peakMemory() },
  };
}
