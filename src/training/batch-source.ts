import { BatchAssembler } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { type Epoch, epochBatches } from '../data/epochs.js';
import { countItems, popularitySampler, uniformSampler } from '../data/sampling.js';
import { completeFeeds, type FeedPlan, type Lookup } from '../graph/index.js';
import { Random } from '../random.js';
import type { Feeds } from '../schema.js';
import type { TrainingOptions } from './config.js';
import { type BundleLayout, RowTracker, type Touched } from './table-rows.js';

/** Everything a batch is made of: plain data, which may be sent to another thread. */
export interface BatchRecipe {
  dataset: Dataset;
  options: TrainingOptions;
  /** Whether the step reads `item.logq`. */
  logq: boolean;
  lookups: readonly Lookup[];
  /** How the embedding tables are bundled. */
  bundles: ReadonlyMap<string, BundleLayout>;
  plan: FeedPlan;
}

/** One batch, complete but for what the optimizer has not computed yet. Its arrays are its own. */
export interface PreparedBatch {
  step: number;
  /** Event row of each pair. */
  events: Uint32Array;
  feeds: Feeds;
  touched: Touched[];
}

/** Makes the batch of any step; what is random in it follows from the seed and the step alone. */
export class BatchSource {
  private readonly assembler: BatchAssembler;
  private readonly tracker: RowTracker;
  private epoch: { number: number; batches: Epoch } | undefined;

  constructor(private readonly recipe: BatchRecipe) {
    this.assembler = createAssembler(recipe);
    this.tracker = new RowTracker(recipe.lookups, recipe.bundles);
  }

  prepare(step: number): PreparedBatch {
    const { options, plan } = this.recipe;
    const { feeds, events } = this.assembler.assemble(this.rowsOf(step), step);
    const touched = this.tracker.track(feeds);
    return {
      step,
      events: events.slice(),
      feeds: completeFeeds(plan, feeds, Random.of(options.seed, 'step', step)),
      touched,
    };
  }

  private rowsOf(step: number): Uint32Array {
    const { dataset, options } = this.recipe;
    const { batchSize, seed } = options;
    const rows = dataset.splits.train;
    const stepsPerEpoch = Math.ceil(rows.length / batchSize);
    const number = Math.floor(step / stepsPerEpoch);
    if (this.epoch?.number !== number) this.epoch = { number, batches: epochBatches(rows, batchSize, seed, number) };
    return this.epoch.batches.rows(step % stepsPerEpoch);
  }
}

function createAssembler({ dataset, options, logq }: BatchRecipe): BatchAssembler {
  const { seed, idDropout, itemPerPair, negatives } = options;
  const counts =
    logq || negatives ? countItems(dataset.events.item, dataset.splits.train, dataset.items.count) : undefined;
  const sampler =
    negatives &&
    (negatives.sampler === 'uniform'
      ? uniformSampler(dataset.items.count)
      : popularitySampler(counts!, negatives.power));
  return new BatchAssembler(dataset, {
    label: dataset.label,
    ownMemory: true,
    seed,
    idDropout,
    itemPerPair,
    ...(sampler && { negatives: { sampler, perBatch: negatives.perBatch } }),
    ...(logq && { itemCounts: counts! }),
  });
}
