import { generateMovieLensShape } from '../src/data/generate-movielens.js';
import { joinRanks } from '../src/distributed/join.js';
import { completeConfig, modelOf } from '../src/runs/config.js';
import { RankTrainer } from '../src/training/ranks/rank-trainer.js';
import { Trainer } from '../src/training/trainer.js';

/** What one measurement prints as a line of JSON. */
export interface RankSpeed {
  ranks: number;
  /** Medians over the steps, in milliseconds. */
  step: number;
  /** In exchanges, the waiting for other ranks included; absent for one process. */
  exchanging?: number;
  segments?: number;
}

// One rank of `npm run bench -- mpi`: NORMALIZATION BATCH STEPS. The sizes of the public IntTower code's DSSM.
const [normalization, batch, steps] = process.argv.slice(2) as [string, string, string];
const WARM_UP = 50;
const ranks = await joinRanks();
const dataset = generateMovieLensShape({});
const config = completeConfig({
  data: 'generated',
  model: { name: 'dssm', embedding: 32, towers: [300, 300], width: 128, normalization, biases: false },
  training: { batchSize: Number(batch), epochs: 1000, idDropout: 0 },
});
const { definition, options } = modelOf(config);
const model = definition.create(dataset.schema, options);
const { training } = config;
if (ranks.size === 1) {
  const trainer = await Trainer.create(model, dataset, training);
  print({ ranks: 1, step: median((await measure(() => trainer.next())).map(({ step }) => step)) });
  await trainer.release();
} else {
  const trainer = await RankTrainer.create(ranks, model, dataset, training);
  if (ranks.rank > 0) await trainer.follow();
  else {
    const times = await measure(
      () => trainer.next(),
      () => trainer.times.exchanging,
    );
    print({
      ranks: ranks.size,
      step: median(times.map(({ step }) => step)),
      exchanging: median(times.map(({ exchanging }) => exchanging)),
      segments: trainer.graph.segments.length,
    });
    await trainer.end();
  }
  await trainer.release();
  await ranks.leave();
}

async function measure(next: () => Promise<unknown>, exchanged = () => 0) {
  const times: { step: number; exchanging: number }[] = [];
  for (let i = 0; i < WARM_UP + Number(steps); i++) {
    const started = performance.now();
    await next();
    if (i >= WARM_UP) times.push({ step: performance.now() - started, exchanging: exchanged() });
  }
  return times;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function print(speed: RankSpeed): void {
  console.log(JSON.stringify(speed));
}
