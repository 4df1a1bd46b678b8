import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchAssembler } from '../src/data/batches.js';
import type { Dataset } from '../src/data/dataset.js';
import { loadDataset } from '../src/data/load.js';
import { allItemStates, labelsOf } from '../src/evaluation/evaluate.js';
import { normalizeLength, slice, squeeze, width } from '../src/graph/index.js';
import type { ModelParts } from '../src/models/contract.js';
import { type Options, options as t2diffOptions } from '../src/models/t2diff/options.js';
import { createParts } from '../src/models/t2diff/parts.js';
import { reconstruction } from '../src/models/t2diff/reconstruction.js';
import { environment } from '../src/runs/environment.js';
import { openRun } from '../src/runs/open.js';
import { trainRun } from '../src/runs/train.js';
import type { Schema } from '../src/schema.js';
import { Inference } from '../src/training/inference.js';
import { option, protocolConfig, withoutSeed } from './protocol.js';
import { writeResults } from './results.js';

export const name = 'reconstruction';
export const description =
  'how near T2Diff guesses the next video on KuaiRand-Pure, by generator: reconstruction [--seed 1] [--epochs 1]';

const GENERATORS = ['drift-diffusion', 'raw-diffusion', 'vae', 'regression'] as const;
const BLOCK = 256;

interface Guesses {
  requests: number;
  /** Between the guess and the embedding of the true next item. */
  meanCosine: number;
  /** Of the true item among all by cosine to the guess, 1 the best. */
  medianRank: number;
  /** Share of requests whose true item is among the 20 nearest. */
  recallAt20: number;
}

/** What the generator has to beat: the newest item of the sequence for a guess. */
function repetition(schema: Schema, options: Options): ModelParts {
  const parts = reconstruction(schema, options);
  const { pastOf, read } = createParts(schema, options);
  return {
    ...parts,
    user(inputs) {
      const { items } = read(pastOf(inputs));
      return { vector: normalizeLength(squeeze(slice(items, 1, width(items, 1) - 1), 1)) };
    },
  };
}

/** Guesses the next item of every positive event of the test part whose user has a past. */
async function measure(model: ModelParts, dataset: Dataset, value: (name: string) => Float32Array): Promise<Guesses> {
  const inference = new Inference(model, dataset.schema, value);
  const labels = labelsOf(dataset, dataset.splits.test);
  const { offsets, time } = dataset.histories[0]!;
  const hasPast = (row: number) => {
    const first = offsets[dataset.events.user[row]!]!;
    return first < offsets[dataset.events.user[row]! + 1]! && time[first]! < dataset.events.time[row]!;
  };
  const rows = dataset.splits.test.filter((row, i) => labels[i]! > 0 && hasPast(row));
  const items = await allItemStates(inference, dataset);
  const assembler = new BatchAssembler(dataset, { itemPerPair: true });
  const ranks: number[] = [];
  let cosines = 0;
  for (let from = 0; from < rows.length; from += BLOCK) {
    const { feeds, events } = assembler.assemble(rows.subarray(from, from + BLOCK), 0);
    const scores = await inference.retrieve(await inference.users(feeds), items);
    for (const [i, event] of events.entries()) {
      // Row 0 stands for unknown items and is no guess.
      const own = scores.subarray(i * dataset.items.count + 1, (i + 1) * dataset.items.count);
      const cosine = scores[i * dataset.items.count + dataset.events.item[event]!]!;
      cosines += cosine;
      ranks.push(1 + own.reduce((better, score) => better + (score > cosine ? 1 : 0), 0));
    }
  }
  await inference.release();
  ranks.sort((a, b) => a - b);
  return {
    requests: rows.length,
    meanCosine: cosines / rows.length,
    medianRank: ranks[ranks.length >> 1]!,
    recallAt20: ranks.filter((rank) => rank <= 20).length / rows.length,
  };
}

export async function run(args: readonly string[]): Promise<void> {
  const seed = Number(option(args, '--seed', '1'));
  const epochs = Number(option(args, '--epochs', '1'));
  const dataset = await loadDataset('kuairand-pure');
  const folder = await mkdtemp(join(tmpdir(), 'twotower-reconstruction-'));
  const results: ({ guess: string; parameters: string } & Guesses)[] = [];
  const report = (guess: string, parameters: string, guesses: Guesses) => {
    results.push({ guess, parameters, ...guesses });
    const { requests, meanCosine, medianRank, recallAt20 } = guesses;
    console.log(
      `${guess.padEnd(18)} cosine ${meanCosine.toFixed(4).padStart(7)}  median rank ${medianRank} of ${dataset.items.count - 1}  among the nearest 20: ${(recallAt20 * 100).toFixed(2)} %  (${requests} requests, embeddings of ${parameters})`,
    );
  };
  const configOf = (generator: string) =>
    protocolConfig('t2diff', seed, [`model.generator=${generator}`, `training.epochs=${epochs}`]);
  for (const generator of GENERATORS) {
    const config = configOf(generator);
    const { folder: out } = await trainRun(config, { out: join(folder, generator), dataset });
    const trained = await openRun(out);
    const { name: _, ...said } = config.model;
    const options = t2diffOptions.parse(said);
    const { value } = trained.inference;
    report(generator, generator, await measure(reconstruction(dataset.schema, options), dataset, value));
    // Each trains embeddings of its own, which may be easier or harder to guess in.
    report('last item again', generator, await measure(repetition(dataset.schema, options), dataset, value));
    await trained.release();
  }
  await rm(folder, { recursive: true });
  await writeResults('reconstruction', {
    dataset: dataset.name,
    dataHash: dataset.hash,
    config: withoutSeed(configOf(GENERATORS[0])),
    seed,
    results,
    environment: environment(),
  });
}
