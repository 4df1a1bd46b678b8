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
export const description =
  'DSSM and IntTower on a MovieLens-1M-shaped log: samples/s and the share of the matrix-multiply rate [dssm|inttower]';

const BATCH = 2048;
const WARM_UP = 10;

interface Sizes {
  model: { name: string; [option: string]: unknown };
  /** One item row per pair, as the public PyTorch code computes. */
  itemPerPair: boolean;
  steps: number;
}

/** The sizes of the public IntTower code's DSSM: embeddings 32, towers 300-300-128 with batch normalisation. */
const DSSM = { name: 'dssm', embedding: 32, towers: [300, 300], width: 128, normalization: 'batch', biases: false };

/** Its IntTower for MovieLens-1M: the same towers, 32 heads of width 64 on each of three layers and on the item's last. */
const INTTOWER = {
  name: 'inttower',
  ...{ embedding: 32, towers: [300, 300, 128], normalization: 'batch', dropout: 0.3 },
  ...{ heads: 32, width: 64, banksFrom: 'inputs' },
};

const MEASURED: readonly Sizes[] = [
  { model: DSSM, itemPerPair: false, steps: 150 },
  { model: DSSM, itemPerPair: true, steps: 150 },
  { model: INTTOWER, itemPerPair: false, steps: 40 },
];

/** Milliseconds of `runs` matrix products of the given size: [rows, inner] with [inner, columns]. */
async function productTimes(rows: number, inner: number, columns: number, runs: number): Promise<number[]> {
  const product = matMul(input('a', [rows, inner]), input('b', [inner, columns]));
  const program = await Program.load(compile('product', { product }));
  const a = { data: new Float32Array(rows * inner).fill(0.5), shape: [rows, inner] };
  const b = { data: new Float32Array(inner * columns).fill(0.5), shape: [inner, columns] };
  const prepared = program.prepare({ a, b });
  const times: number[] = [];
  for (let i = 0; i < runs + 2; i++) {
    const started = performance.now();
    await program.run(prepared);
    times.push(performance.now() - started);
  }
  await program.release();
  return times.slice(2);
}

/** The typical rate of a large square product, in FLOP/s: what this machine gives to code that does nothing else. */
async function matrixRate(): Promise<number> {
  return (2 * 2048 ** 3) / (median(await productTimes(2048, 2048, 2048, 15)) / 1000);
}

/** The typical rate of a product as large as the towers' hidden layers. */
async function layerRate(): Promise<number> {
  return (2 * BATCH * 300 * 300) / (median(await productTimes(BATCH, 300, 300, 100)) / 1000);
}

async function measure(dataset: ReturnType<typeof generateMovieLensShape>, { model, itemPerPair, steps }: Sizes) {
  const config = completeConfig({
    data: 'generated',
    model,
    training: { batchSize: BATCH, epochs: 1000, itemPerPair, idDropout: 0 },
  });
  const { definition, options } = modelOf(config);
  const trainer = await Trainer.create(definition.create(dataset.schema, options), dataset, config.training);
  for (let i = 0; i < WARM_UP; i++) await trainer.next();
  const times: number[] = [];
  for (let i = 0; i < steps; i++) {
    const started = performance.now();
    await trainer.next();
    times.push(performance.now() - started);
  }
  const milliseconds = median(times);

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
    model,
    itemPerPair,
    steps,
    samplesPerSecond: (1000 * BATCH) / milliseconds,
    millisecondsPerStep: milliseconds,
    requests: batch.dims.B,
    items: batch.dims.I,
    matrixFlopsPerStep: 2 * cost.multiplyAdds,
    otherFlopsPerStep: cost.flops - 2 * cost.multiplyAdds,
    matrixFlopsPerSecond: (2 * cost.multiplyAdds) / (milliseconds / 1000),
  };
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

export async function run([only]: readonly string[]): Promise<void> {
  const dataset = generateMovieLensShape({});
  const rows = [];
  for (const sizes of MEASURED.filter(({ model }) => only === undefined || model.name === only)) {
    // On a shared machine speeds come and go: each measurement has its own yardstick, taken before and after.
    const before = await matrixRate();
    const measured = await measure(dataset, sizes);
    const rate = (before + (await matrixRate())) / 2;
    rows.push({ ...measured, matrixRate: rate, layerRate: await layerRate() });
  }
  for (const row of rows) {
    const percent = (rate: number) => `${((100 * row.matrixFlopsPerSecond) / rate).toFixed(0)} %`;
    console.log(
      [
        row.model.name.padEnd(8),
        row.itemPerPair ? 'one row per pair' : 'each item once  ',
        `${Math.round(row.samplesPerSecond).toLocaleString('en-US')} samples/s`,
        `${row.millisecondsPerStep.toFixed(1)} ms/step`,
        `${(row.matrixFlopsPerSecond / 1e9).toFixed(0)} GFLOP/s in matrix products:`,
        `${percent(row.matrixRate)} of ${(row.matrixRate / 1e9).toFixed(0)} for 2048³,`,
        `${percent(row.layerRate)} of ${(row.layerRate / 1e9).toFixed(0)} for ${BATCH}×300×300`,
      ].join('  '),
    );
  }
  await writeResults(only === undefined ? 'train' : `train-${only}`, {
    batch: BATCH,
    rows,
    environment: environment(),
  });
}
