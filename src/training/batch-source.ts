import type { BatchShare, Rank } from '../data/batch-share.js';
import { BatchAssembler, type BatchOptions } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { type Epoch, epochBatches } from '../data/epochs.js';
import type { Passes } from '../data/passes.js';
import { listCount, type SampleTable } from '../data/samples.js';
import { countItems, popularitySampler, uniformSampler } from '../data/sampling.js';
import { openWindow } from '../data/stream/window.js';
import type { TeacherVectors } from '../data/teacher-vectors.js';
import { completeFeeds, type FeedPlan, type Lookup } from '../graph/index.js';
import { Random } from '../random.js';
import type { Feeds } from '../schema.js';
import type { TrainingOptions } from './config.js';
import { paddingOf } from './padding.js';
import { completeShare } from './ranks/share-feeds.js';
import { type BundleLayout, RowTracker, type Touched } from './table-rows.js';
import { trainingPasses } from './training-passes.js';

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

/** What is gone over: the whole dataset or lists of it, or a window of a streamed log. */
interface Held {
  part: number;
  assembler: BatchAssembler;
  /** Event rows, or numbers of lists. */
  rows: Uint32Array;
}

/** Makes the batch of any step; what is random in it follows from the seed and the step alone. */
export class BatchSource {
  private readonly tracker: RowTracker;
  private readonly passes: Passes;
  private readonly batchOptions: BatchOptions;
  private held: Held | undefined;
  private current: { pass: number; batches: Epoch } | undefined;

  constructor(private readonly recipe: BatchRecipe) {
    const { dataset, options, samples } = recipe;
    this.passes = trainingPasses(dataset, samples, options);
    this.batchOptions = batchOptions(recipe);
    this.tracker = new RowTracker(recipe.lookups, recipe.bundles, paddingOf(dataset.schema));
  }

  prepare(step: number): PreparedBatch {
    const { options, plan } = this.recipe;
    const { part, pass, step: within } = this.passes.at(step);
    const { assembler, rows } = this.hold(part);
    if (this.current?.pass !== pass) {
      this.current = { pass, batches: epochBatches(rows, options.batchSize, options.seed, pass) };
    }
    const { feeds, events, share } = assembler.assemble(this.current.batches.rows(within), step);
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

  private hold(part: number): Held {
    if (this.held?.part === part) return this.held;
    // Let go before the next is read: two windows need not fit into memory.
    this.held = undefined;
    this.current = undefined;
    const { dataset, samples } = this.recipe;
    const { stream } = dataset;
    const own = stream === undefined ? dataset : openWindow({ ...dataset, stream }, part);
    const rows =
      samples === undefined ? own.splits.train : Uint32Array.from({ length: listCount(samples) }, (_, list) => list);
    this.held = { part, assembler: new BatchAssembler(own, this.batchOptions), rows };
    return this.held;
  }
}

function batchOptions({ dataset, options, samples, teacher, vectors, logq, plan, rank }: BatchRecipe): BatchOptions {
  const { seed, idDropout, itemPerPair, negatives } = options;
  const { events, items, splits, stream } = dataset;
  const countTrained = () => stream?.itemCounts ?? countItems(events.item, splits.train, items.count);
  const sampler =
    negatives &&
    (negatives.sampler === 'uniform'
      ? uniformSampler(items.count)
      : popularitySampler(countTrained(), negatives.power));
  return {
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
      itemCounts: samples === undefined ? countTrained() : countItems(samples.item, samples.item.keys(), items.count),
    }),
  };
}
