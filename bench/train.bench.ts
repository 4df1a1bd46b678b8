import { BatchAssembler } from '../src/data/batches.js';
import { epochBatches } from '../src/data/epochs.js';
import { generateMovieLensShape } from '../src/data/generate-movielens.js';
import { allPositions, compile, graphCost, input, matMul, Program } from '../src/graph/index.js';
import { completeConfig, modelOf } from '../src/runs/config.js';
import { environment } from '../src/runs/environment.js';
import { RowTracker } from '../src/training/table-rows.js';
import { Trainer } from '../src/training/trainer.js';
import { writeResults } from './results.js';

export const name = 'train';
export const description = 'DSSM on a MovieLens-1M-shaped log: samples/s and the share of the matrix-multiply rate';

const BATCH = 2048;
const WARM_UP = 15;
const STEPS = 150;

/** The sizes of the public IntTower code's DSSM: embeddings 32, towers 300-300-128 with batch normalisation. */
const MODEL = { name: 'dssm', embedding: 32, towers: [300, 300], width: 128, normalization: 'batch', biases: false };

/** The best rate of a square product, in FLOP/s: what this machine gives to code that does nothing else. */
async function matrixRate(size: number): Promise<number> {
  const product = matMul(input('a', [size, size]), input('b', [size, size]));
  const program = await Program.load(compile('product', { product }));
  const data = new Float32Array(size * size).fill(0.5);
  const prepared = program.prepare({ a: { data, shape: [size, size] }, b: { data, shape: [size, size] } });
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 12; i++) {
    const started = performance.now();
    await program.run(prepared);
    best = Math.min(best, performance.now() - started);
  }
  await program.release();
  return (2 * size ** 3) / (best / 1000);
}

async function measure(dataset: ReturnType<typeof generateMovieLensShape>, itemPerPair: boolean) {
  const config = completeConfig({
    data: 'generated',
    model: MODEL,
    training: { batchSize: BATCH, epochs: 1000, itemPerPair, idDropout: 0 },
  });
  const { definition, options } = modelOf(config);
  const trainer = await Trainer.create(definition.create(dataset.schema, options), dataset, config.training);
  for (let i = 0; i < WARM_UP; i++) await trainer.next();
  const times: number[] = [];
  for (let i = 0; i < STEPS; i++) {
    const started = performance.now();
    await trainer.next();
    times.push(performance.now() - started);
  }
  const seconds = times.reduce((a, b) => a + b, 0) / 1000;

  // What one step computes, at the sizes of a typical batch.
  const assembler = new BatchAssembler(dataset, { itemPerPair });
  const batch = assembler.assemble(epochBatches(dataset.splits.train, BATCH, 1, 0).rows(0), 0);
  const tracker = new RowTracker(trainer.graph.lookups, trainer.store.bundles);
  const sizes: Record<string, number> = { ...batch.dims };
  for (const { bundle, rows } of tracker.track(batch.feeds)) {
    sizes[`U:${bundle}`] = rows.length;
    sizes[`V:${bundle}`] = trainer.store.bundles.get(bundle)!.rows;
    sizes[`N:${bundle}`] = batch.feeds[allPositions(bundle)]!.data.length;
  }
  const cost = graphCost(Object.values(trainer.graph.outputs), sizes);
  await trainer.release();
  return {
    itemPerPair,
    samplesPerSecond: (STEPS * BATCH) / seconds,
    millisecondsPerStep: { median: median(times), mean: (seconds * 1000) / STEPS },
    requests: batch.dims.B,
    items: batch.dims.I,
    matrixFlopsPerStep: 2 * cost.multiplyAdds,
    otherFlopsPerStep: cost.flops - 2 * cost.multiplyAdds,
    matrixFlopsPerSecond: (2 * cost.multiplyAdds * STEPS) / seconds,
  };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

export async function run(): Promise<void> {
  const dataset = generateMovieLensShape({});
  const before = await matrixRate(2048);
  const rows = [await measure(dataset, false), await measure(dataset, true)];
  const rate = Math.max(before, await matrixRate(2048));
  console.log(`matrix-multiply rate of this machine (2048³): ${(rate / 1e9).toFixed(0)} GFLOP/s\n`);
  for (const row of rows) {
    console.log(
      [
        row.itemPerPair ? 'one row per pair   ' : 'each item once     ',
        `${Math.round(row.samplesPerSecond).toLocaleString('en-US')} samples/s`,
        `${row.millisecondsPerStep.median.toFixed(1)} ms/step`,
        `${(row.matrixFlopsPerSecond / 1e9).toFixed(0)} GFLOP/s in matrix products`,
        `${((100 * row.matrixFlopsPerSecond) / rate).toFixed(0)} % of the rate`,
      ].join('   '),
    );
  }
  await writeResults('train', {
    model: MODEL,
    batch: BATCH,
    steps: STEPS,
    matrixRate: rate,
    rows,
    environment: environment(),
  });
}
