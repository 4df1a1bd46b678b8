import type { BatchShare, Rank } from '../data/batch-share.js';
import { BatchAssembler } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { type Epoch, epochBatches } from '../data/epochs.js';
import { listCount, type SampleTable } from '../data/samples.js';
import { countItems, popularitySampler, uniformSampler } from '../data/sampling.js';
import type { TeacherVectors } from '../data/teacher-vectors.js';
import { completeFeeds, type FeedPlan, type Lookup } from '../graph/index.js';
import { Random } from '../random.js';
import type { Feeds } from '../schema.js';
import type { TrainingOptions } from './config.js';
import { paddingOf } from './padding.js';
import { completeShare } from './ranks/share-feeds.js';
import { type BundleLayout, RowTracker, type Touched } from './table-rows.js';

/** Everything a batch is made of: plain data, which may be sent to another thread. */
export interface BatchRecipe {
  dataset: Dataset;
  options: TrainingOptions;
  /** Lists to train on instead of the events of the training part. */
  samples?: SampleTable | undefined;
  /** A teacher's logit for every event, NaN where there is none; samples bring their own. */
  teacher?: Float32Array | undefined;
  /** A teacher's vectors of items and requests. */
  vectors?: TeacherVectors | undefined;
  /** Whether the step reads `item.logq`. */
  logq: boolean;
  lookups: readonly Lookup[];
  /** How the embedding tables are bundled. */
  bundles: ReadonlyMap<string, BundleLayout>;
  plan: FeedPlan;
  /** Which of several processes this is; each makes its share of the batch. */
  rank?: Rank | undefined;
}

/** One batch, complete but for what the optimizer has not computed yet. Its arrays are its own. */
export interface PreparedBatch {
  step: number;
  /** Event row that speaks for the request of each pair. */
  events: Uint32Array;
  feeds: Feeds;
  touched: Touched[];
  share?: BatchShare | undefined;
}

/** Makes the batch of any step; what is random in it follows from the seed and the step alone. */
export class BatchSource {
  private readonly assembler: BatchAssembler;
  private readonly tracker: RowTracker;
  /** Event rows, or numbers of lists. */
  private readonly trainedOn: Uint32Array;
  private epoch: { number: number; batches: Epoch } | undefined;

  constructor(private readonly recipe: BatchRecipe) {
    const { dataset, samples } = recipe;
    this.assembler = createAssembler(recipe);
    this.trainedOn =
      samples === undefined
        ? dataset.splits.train
        : Uint32Array.from({ length: listCount(samples) }, (_, list) => list);
    this.tracker = new RowTracker(recipe.lookups, recipe.bundles, paddingOf(dataset.schema));
  }

  prepare(step: number): PreparedBatch {
    const { options, plan } = this.recipe;
    const { feeds, events, share } = this.assembler.assemble(this.rowsOf(step), step);
    const touched = this.tracker.track(feeds);
    const random = Random.of(options.seed, 'step', step);
    return {
      step,
      events: events.slice(),
      feeds:
        share === undefined
          ? completeFeeds(plan, feeds, random)
          : completeShare(plan, feeds, { share, touched }, random),
      touched,
      share,
    };
  }

  /** Event rows, or numbers of lists. */
  private rowsOf(step: number): Uint32Array {
    const { batchSize, seed } = this.recipe.options;
    const rows = this.trainedOn;
    const stepsPerEpoch = Math.ceil(rows.length / batchSize);
    const number = Math.floor(step / stepsPerEpoch);
    if (this.epoch?.number !== number) this.epoch = { number, batches: epochBatches(rows, batchSize, seed, number) };
    return this.epoch.batches.rows(step % stepsPerEpoch);
  }
}

function createAssembler({
  dataset,
  options,
  samples,
  teacher,
  vectors,
  logq,
  plan,
  rank,
}: BatchRecipe): BatchAssembler {
  const { seed, idDropout, itemPerPair, negatives } = options;
  const { events, items, splits } = dataset;
  const sampler =
    negatives &&
    (negatives.sampler === 'uniform'
      ? uniformSampler(items.count)
      : popularitySampler(countItems(events.item, splits.train, items.count), negatives.power));
  return new BatchAssembler(dataset, {
    ...(samples === undefined ? { label: dataset.label, ...(teacher && { teacher }) } : { samples }),
    vectors,
    rank,
    reads: new Set(plan.inputs.map(({ name }) => name)),
    ownMemory: true,
    seed,
    idDropout,
    itemPerPair,
    ...(sampler && { negatives: { sampler, perBatch: negatives.perBatch } }),
    ...(logq && {
      // No list holds an item twice: the rows of an item are the lists that hold it.
      itemCounts:
        samples === undefined
          ? countItems(events.item, splits.train, items.count)
          : countItems(samples.item, samples.item.keys(), items.count),
    }),
  });
}
