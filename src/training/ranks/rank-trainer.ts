import type { Dataset } from '../../data/dataset.js';
import type { Ranks } from '../../distributed/ranks.js';
import type { Parameter, ProgramOptions } from '../../graph/index.js';
import { RANK_FEEDS } from '../../graph/partition/index.js';
import type { ModelParts } from '../../models/contract.js';
import type { Feeds } from '../../schema.js';
import { type BatchRecipe, BatchSource, type PreparedBatch } from '../batch-source.js';
import { type BatchStream, openStream } from '../batch-stream.js';
import type { TrainingOptions } from '../config.js';
import { divergence } from '../divergence.js';
import { bundleLayouts, ParameterStore } from '../parameter-store.js';
import { setUp, type TrainingData } from '../set-up.js';
import { LOGQ_FEED, tableSlot } from '../step-feeds.js';
import { StepVectors } from '../step-vectors.js';
import { writeRows } from '../table-rows.js';
import { tableFeeds } from '../trainer.js';
import type { StepReport, Training } from '../training.js';
import { ownedBundle } from '../training-graph.js';
import { buildRankGraph, type RankGraph } from './rank-graph.js';
import { RankStep, type StepTimes } from './rank-step.js';
import { RowExchange } from './row-exchange.js';
import { type Shard, shardFeeds, shardTables } from './table-shards.js';
import { gatherTables, scatterTables, shareVectors } from './whole-tables.js';

/** What the first rank tells the others to do with it. */
const COMMANDS = ['step', 'collect', 'restore', 'end'] as const;
type Command = (typeof COMMANDS)[number];

/**
 * One of several processes that train one model: the same mathematics as `Trainer` on the whole batch. Each has its share of every
 * batch and its rows of every table, and all of the dense weights. The first rank leads: what is called on its trainer, the
 * others do along in `follow`. Its store alone holds whole tables, as of the last `collect`.
 */
export class RankTrainer implements Training {
  step = 0;
  pairs = 0;
  private readonly vectors: StepVectors;
  private readonly exchange: RowExchange;

  private constructor(
    private readonly ranks: Ranks,
    readonly options: TrainingOptions,
    readonly stepsPerEpoch: number,
    readonly store: ParameterStore,
    readonly graph: RankGraph,
    private readonly shards: ReadonlyMap<string, Shard>,
    private readonly parts: RankStep,
    private readonly recipe: BatchRecipe,
    private readonly batches: BatchStream,
    readonly data: TrainingData,
  ) {
    this.vectors = new StepVectors(store, options, this);
    this.exchange = new RowExchange(ranks, shards);
  }

  static async create(
    ranks: Ranks,
    model: ModelParts,
    dataset: Dataset,
    options: TrainingOptions,
    program: ProgramOptions = {},
    given: TrainingData = {},
  ): Promise<RankTrainer> {
    const { data, graph: said, stepsPerEpoch } = await setUp(model, dataset, options, given);
    const graph = buildRankGraph(said);
    const { optimizer, bundleOf } = said;
    const isHeld = ({ kind }: Parameter) => ranks.rank === 0 || kind !== 'table';
    const store = new ParameterStore(graph.parameters.filter(isHeld), optimizer, options.seed, bundleOf);
    const recipe: BatchRecipe = {
      dataset,
      options,
      ...data,
      logq: graph.plan.inputs.some(({ name }) => name === LOGQ_FEED),
      lookups: graph.lookups,
      bundles: new Map(
        [...bundleLayouts(graph.parameters, bundleOf)].map(([name, { rows, offsets }]) => [name, { rows, offsets }]),
      ),
      plan: graph.plan,
      rank: { rank: ranks.rank, size: ranks.size },
    };
    const batches = openStream(recipe, stepsPerEpoch * options.epochs);
    const parts = await RankStep.load(ranks, graph, program);
    const shards = shardTables(ranks, graph.parameters, optimizer, options.seed, bundleOf);
    return new RankTrainer(ranks, options, stepsPerEpoch, store, graph, shards, parts, recipe, batches, data);
  }

  get totalSteps(): number {
    return this.stepsPerEpoch * this.options.epochs;
  }

  /** Of the last step. */
  get times(): Readonly<StepTimes> {
    return this.parts.times;
  }

  reads(feed: string): boolean {
    return this.graph.plan.inputs.some(({ name }) => name === feed);
  }

  async next(): Promise<StepReport> {
    await this.tell('step');
    const { batch, report } = await this.advance();
    if (isUsable(report)) return report;
    throw await this.failure(batch, report);
  }

  async collect(): Promise<void> {
    await this.tell('collect');
    await this.gather();
  }

  async restore(step: number): Promise<void> {
    await this.tell('restore', step);
    this.step = step;
    await this.take();
  }

  /** Does what the first rank does, until that is done. For the other ranks. */
  async follow(): Promise<void> {
    for (;;) {
      const [code, step] = new Float64Array((await this.ranks.broadcast()).slice().buffer);
      const command = COMMANDS[code!];
      if (command === 'end') return;
      if (command === 'step') await this.advance();
      else if (command === 'collect') await this.gather();
      else {
        this.step = step!;
        await this.take();
      }
    }
  }

  async end(): Promise<void> {
    await this.tell('end');
  }

  async release(): Promise<void> {
    await this.batches.close();
    await this.parts.release();
  }

  private async tell(command: Command, step = 0): Promise<void> {
    await this.ranks.broadcast(new Uint8Array(Float64Array.of(COMMANDS.indexOf(command), step).buffer));
  }

  /** One step, which is applied if it is finite. */
  private async advance(): Promise<{ batch: PreparedBatch; report: StepReport }> {
    const { ranks, store, shards, exchange, graph } = this;
    const batch = await this.batches.take(this.step);
    const share = batch.share!;
    const began = performance.now();
    const fetched = await exchange.fetch(batch.touched);
    const fetching = performance.now() - began;
    const feeds: Feeds = {
      ...batch.feeds,
      ...this.vectors.feeds(this.step),
      ...shardFeeds(shards, store.optimizer),
      [RANK_FEEDS.first]: { data: Float32Array.of(ranks.rank === 0 ? 1 : 0), shape: [] },
    };
    for (const [bundle, data] of fetched) {
      const { width } = shards.get(bundle)!;
      const owned = exchange.owned(bundle);
      feeds[RANK_FEEDS.fetched(bundle)] = { data, shape: [data.length / width, width] };
      feeds[`${ownedBundle(bundle)}#touched`] = { data: owned, shape: [owned.length] };
    }
    const outputs = await this.parts.run(feeds, share, this.vectors.targets(), (gradients) =>
      exchange.giveBack(gradients),
    );
    this.parts.times.exchanging += fetching;
    const report: StepReport = {};
    for (const name of graph.reported) report[name] = Number(outputs[name]!.data[0]);
    if (isUsable(report)) this.apply(outputs, share.P.total);
    return { batch, report };
  }

  private apply(outputs: Feeds, pairs: number): void {
    const { shards, store, exchange } = this;
    for (const [bundle, { width, arrays }] of shards) {
      if (outputs[`new ${bundle}`] === undefined) continue;
      const names = [bundle, ...store.optimizer.slots.map((slot) => tableSlot(bundle, slot))];
      names.forEach((name, i) => {
        writeRows(arrays[i]!, width, exchange.owned(bundle), outputs[`new ${name}`]!.data as Float32Array);
      });
    }
    this.vectors.swap();
    this.pairs = pairs;
    this.step++;
  }

  private gather(): Promise<void> {
    return gatherTables(this.ranks, this.shards, this.whole);
  }

  private async take(): Promise<void> {
    await shareVectors(this.ranks, this.store);
    await scatterTables(this.ranks, this.shards, this.whole);
  }

  private get whole(): ParameterStore | undefined {
    return this.ranks.rank === 0 ? this.store : undefined;
  }

  /** Looks for the bad number as one process would: in the whole batch, with whole tables. */
  private async failure({ step }: PreparedBatch, report: StepReport): Promise<Error> {
    await this.collect();
    const { graph, options, stepsPerEpoch, recipe, store } = this;
    const plan = { ...graph.plan, plans: [], randoms: [] };
    const batch = new BatchSource({ ...recipe, plan, rank: undefined }).prepare(step);
    const feeds: Feeds = { ...batch.feeds, ...this.vectors.feeds(step), ...tableFeeds(store) };
    return divergence(graph, feeds, report, { batch, seed: options.seed, stepsPerEpoch });
  }
}

function isUsable({ loss, gradientNorm }: StepReport): boolean {
  return Number.isFinite(loss) && Number.isFinite(gradientNorm);
}
