import { performance } from 'node:perf_hooks';
import { itemFeeds, requestFeeds } from '../src/data/batches.js';
import { loadDataset } from '../src/data/load.js';
import { TwoTowerError } from '../src/errors.js';
import { graphCost } from '../src/graph/index.js';
import { MODELS } from '../src/models/index.js';
import { packagePath } from '../src/package-root.js';
import { modelOf } from '../src/runs/config.js';
import { environment } from '../src/runs/environment.js';
import { readConfig } from '../src/runs/read-config.js';
import { Inference } from '../src/training/inference.js';
import { createOptimizer } from '../src/training/optimizers.js';
import { ParameterStore } from '../src/training/parameter-store.js';
import { buildServingParts } from '../src/training/serving-graph.js';
import { Trainer } from '../src/training/trainer.js';
import { writeResults } from './results.js';

export const name = 'models';
export const description =
  'every model on KuaiRand-Pure: cost, milliseconds per request on one core, training speed [MODEL,…: printed alone]';

const CANDIDATES = 1000;
const RUNS = 60;
const TRAINING_STEPS = 30;

async function milliseconds(work: () => Promise<unknown>): Promise<{ p50: number; p99: number }> {
  for (let i = 0; i < 5; i++) await work();
  const times: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  return { p50: times[RUNS >> 1]!, p99: times[Math.floor(RUNS * 0.99)]! };
}

export async function run([wanted]: readonly string[]): Promise<void> {
  const names = wanted === undefined ? MODELS.map((model) => model.name) : wanted.split(',');
  const dataset = await loadDataset('kuairand-pure');
  const results = [];
  for (const name of names) {
    const config = readConfig(packagePath('configs', `${name}-kuairand.yaml`));
    const { definition, options } = modelOf(config);
    const model = definition.create(dataset.schema, options);
    const parts = buildServingParts(model, dataset.schema);
    const optimizer = createOptimizer({ name: 'sgd', momentum: 0 });
    const store = new ParameterStore(parts.parameters, optimizer, 1);
    const inference = new Inference(model, dataset.schema, (parameter) => store.values(parameter), { threads: 1 });
    const one = { I: 1, B: 1, N: 1 };
    const cost = (part: 'item' | 'user' | 'score') => graphCost(Object.values(parts[part]), one);

    // A user with a full history: the last one of the log who has one.
    const history = dataset.histories[0]!;
    const event = dataset.splits.test.findLast((row) => {
      const user = dataset.events.user[row]!;
      return history.offsets[user + 1]! - history.offsets[user]! >= history.maxLength;
    });
    if (event === undefined) throw new TwoTowerError('DATA_SPLIT', 'no user of the test part has a full history');
    const request = requestFeeds(dataset, {
      users: [dataset.events.user[event]!],
      times: [dataset.events.time[event]!],
      contexts: [event],
    });
    const candidates = itemFeeds(
      dataset,
      Int32Array.from({ length: CANDIDATES }, (_, i) => 1 + i),
    );
    const items = await inference.items(candidates);
    const users = await inference.users(request);
    const user = await milliseconds(() => inference.users(request));
    const score = await milliseconds(() => inference.score(users, items));
    await inference.release();

    const trainer = await Trainer.create(model, dataset, config.training);
    for (let i = 0; i < 5; i++) await trainer.next();
    const started = performance.now();
    for (let i = 0; i < TRAINING_STEPS; i++) await trainer.next();
    const samplesPerSecond = (TRAINING_STEPS * config.training.batchSize * 1000) / (performance.now() - started);
    await trainer.release();

    const row = {
      model: name,
      multiplyAdds: {
        item: cost('item').multiplyAdds,
        user: cost('user').multiplyAdds,
        candidate: cost('score').multiplyAdds,
      },
      flops: { item: cost('item').flops, user: cost('user').flops, candidate: cost('score').flops },
      bytes: { item: cost('item').outputBytes, user: cost('user').outputBytes },
      userMilliseconds: user,
      scoreMilliseconds: score,
      samplesPerSecond,
    };
    results.push(row);
    console.log(
      [
        name.padEnd(12),
        `user ${user.p50.toFixed(2).padStart(6)} ms`,
        `${CANDIDATES} candidates p50 ${score.p50.toFixed(2).padStart(6)} p99 ${score.p99.toFixed(2).padStart(6)} ms`,
        `${Math.round(row.multiplyAdds.candidate).toLocaleString('en-US').padStart(10)} multiply-adds a candidate`,
        `${row.bytes.item.toLocaleString('en-US').padStart(7)} B an item`,
        `${Math.round(samplesPerSecond).toLocaleString('en-US').padStart(7)} samples/s`,
      ].join('  '),
    );
  }
  // Figures of one run stand beside each other, or not at all.
  if (wanted !== undefined) return;
  await writeResults('models', {
    dataset: dataset.name,
    candidates: CANDIDATES,
    threads: 1,
    results,
    environment: environment(),
  });
}
