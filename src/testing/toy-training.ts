import { assembleBatch } from '../data/batches.js';
import { countItems } from '../data/sampling.js';
import { checkGradients } from '../graph/finite-difference.js';
import { reachable, type Tensor } from '../graph/index.js';
import type { Feeds } from '../schema.js';
import { trainingOptions } from '../training/config.js';
import { createOptimizer } from '../training/optimizers.js';
import { paddingOf } from '../training/padding.js';
import { ParameterStore } from '../training/parameter-store.js';
import { RowTracker } from '../training/table-rows.js';
import { Trainer } from '../training/trainer.js';
import { frozen } from './frozen.js';
import { TOY_BATCH } from './toy-dataset.js';
import { shake, type ToyModel } from './toy-model.js';

const OPTIONS = trainingOptions.parse({ batchSize: TOY_BATCH, epochs: 20, learningRate: 0.01 });

export function toyTrainer({ parts, dataset }: ToyModel, seed = 3): Promise<Trainer> {
  return Trainer.create(parts, dataset, { ...OPTIONS, seed }, { threads: 1 });
}

/** Runs steps and returns their losses. */
export async function losses(trainer: Trainer, steps: number): Promise<number[]> {
  const result: number[] = [];
  for (let i = 0; i < steps; i++) result.push((await trainer.next()).loss!);
  return result;
}

/** Every array a checkpoint would hold, as text. */
export function bytesOf(store: ParameterStore): Map<string, string> {
  return new Map(
    [...store.arrays()].map(([name, { data }]) => [name, Buffer.from(data.slice().buffer).toString('base64')]),
  );
}

/** First values of the trainer's parameters under another seed. */
export function freshStore({ store }: Trainer, seed: number): ParameterStore {
  return new ParameterStore(store.parameters, store.optimizer, seed);
}

/** Compares the gradients of the training loss with differences, at some elements of every parameter; throws where they differ. */
export async function checkToyGradients(trainer: Trainer, maxElements = 3): Promise<void> {
  const { dataset, graph } = trainer;
  const { forward, lookups, parameters } = graph;
  const bundleOf = ({ name }: { name: string }) => lookups.find(({ table }) => table === name)!.bundle;
  const store = new ParameterStore(parameters, createOptimizer(OPTIONS.optimizer), 1, bundleOf);
  shake(store);
  const scalar = (value: number) => ({ data: Float32Array.of(value), shape: [] });
  // Few pairs, so that each counts; the last ones of the training part, whose users have histories.
  const feeds: Feeds = { 'schedule.step': scalar(7), 'schedule.stepsPerEpoch': scalar(5) };
  const { events, items, splits } = dataset;
  const itemCounts = countItems(events.item, splits.train, items.count);
  Object.assign(feeds, assembleBatch(dataset, splits.train.subarray(-7), { itemCounts }).feeds);
  new RowTracker(lookups, store.bundles, paddingOf(dataset.schema)).track(feeds);
  for (const { name, shape } of parameters) feeds[name] = { data: store.values(name), shape: [...shape] };
  for (const [name, { rows, width, values }] of store.bundles) feeds[name] = { data: values, shape: [rows, width] };

  const fixed = await frozen(forward, feeds, 5);
  const trained = new Set(parameters.filter(({ kind }) => kind === 'dense').map(({ name }) => name));
  for (const name of store.bundles.keys()) trained.add(name);
  const leaves = new Map<string, Tensor>();
  for (const node of reachable([fixed.output])) {
    const name = node.op.name === 'tableRows' ? node.attributes.source : node.attributes.name;
    if (['parameter', 'tableRows'].includes(node.op.name) && trained.has(name)) leaves.set(name, node);
  }
  await checkGradients(fixed.output, fixed.feeds, { leaves: [...leaves.values()], maxElements });
}
