import type { Dataset } from '../data/dataset.js';
import type { TwoTowerError } from '../errors.js';
import { type PreparedFeeds, Program, type ProgramOptions } from '../graph/index.js';
import type { ModelParts } from '../models/contract.js';
import type { Feeds } from '../schema.js';
import type { PreparedBatch } from './batch-source.js';
import { type BatchStream, openStream } from './batch-stream.js';
import type { TrainingOptions } from './config.js';
import { divergence } from './divergence.js';
import { ParameterStore } from './parameter-store.js';
import { setUp, type TrainingData } from './set-up.js';
import { LOGQ_FEED, tableSlot } from './step-feeds.js';
import { StepVectors } from './step-vectors.js';
import { writeRows } from './table-rows.js';
import type { StepReport, Training } from './training.js';
import { buildTrainingGraph, type TrainingGraph } from './training-graph.js';

export type { TrainingData } from './set-up.js';
export type { StepReport } from './training.js';

/** Room for batches that touch a few more rows. */
const SPARE = 1.25;

interface PreparedStep {
  batch: PreparedBatch;
  feeds: Feeds;
  prepared: PreparedFeeds;
}

/**
 * Trains one model on one data set, step by step. Steps follow from the seed and the step number alone, so that a trainer
 * restored to step n goes on as if it had never stopped.
 */
export class Trainer implements Training {
  step = 0;
  pairs = 0;
  private readonly vectors: StepVectors;
  /** Of each bundle: where its new rows and those of the optimizer's memory are written before they go to their places. */
  private readonly scratch = new Map<string, Float32Array[]>();

  private constructor(
    readonly dataset: Dataset,
    readonly options: TrainingOptions,
    readonly stepsPerEpoch: number,
    readonly store: ParameterStore,
    readonly graph: TrainingGraph,
    private readonly program: Program,
    private readonly batches: BatchStream,
    readonly data: TrainingData,
  ) {
    this.vectors = new StepVectors(store, options, this);
  }

  static async create(
    model: ModelParts,
    dataset: Dataset,
    options: TrainingOptions,
    program: ProgramOptions = {},
    given: TrainingData = {},
  ): Promise<Trainer> {
    const { data, graph: said, stepsPerEpoch } = await setUp(model, dataset, options, given);
    const graph = buildTrainingGraph(said);
    const store = new ParameterStore(graph.parameters, said.optimizer, options.seed, said.bundleOf);
    const batches = openStream(
      {
        dataset,
        options,
        ...data,
        logq: graph.compiled.inputs.some(({ name }) => name === LOGQ_FEED),
        lookups: graph.lookups,
        bundles: new Map([...store.bundles].map(([name, { rows, offsets }]) => [name, { rows, offsets }])),
        plan: { inputs: graph.compiled.inputs, plans: graph.compiled.plans, randoms: graph.compiled.randoms },
      },
      stepsPerEpoch * options.epochs,
    );
    const loaded = await Program.load(graph.compiled, program);
    return new Trainer(dataset, options, stepsPerEpoch, store, graph, loaded, batches, data);
  }

  get totalSteps(): number {
    return this.stepsPerEpoch * this.options.epochs;
  }

  reads(feed: string): boolean {
    return this.graph.compiled.inputs.some(({ name }) => name === feed);
  }

  async collect(): Promise<void> {}

  async end(): Promise<void> {}

  async restore(step: number): Promise<void> {
    this.step = step;
  }

  async next(): Promise<StepReport> {
    const current = this.complete(await this.batches.take(this.step));
    const outputs = await this.program.run(current.prepared, {
      ...this.vectors.targets(),
      ...this.rowTargets(current.batch),
    });
    const report: StepReport = {};
    for (const name of this.graph.reported) report[name] = Number(outputs[name]!.data[0]);
    if (!Number.isFinite(report.loss) || !Number.isFinite(report.gradientNorm)) {
      throw await this.failure(current, report);
    }
    for (const { bundle, rows } of current.batch.touched) {
      const { width, values, slots } = this.store.bundles.get(bundle)!;
      const update = outputs[`new ${bundle}`];
      if (update === undefined) continue;
      writeRows(values, width, rows, update.data as Float32Array);
      this.store.optimizer.slots.forEach((slot, i) => {
        writeRows(slots[i]!, width, rows, outputs[`new ${tableSlot(bundle, slot)}`]!.data as Float32Array);
      });
    }
    this.vectors.swap();
    this.pairs = current.batch.events.length;
    this.step++;
    return report;
  }

  async release(): Promise<void> {
    await this.batches.close();
    await this.program.release();
  }

  /** Where a step writes the new rows of tables. */
  private rowTargets({ touched }: PreparedBatch): Record<string, { data: Float32Array; shape: number[] }> {
    const targets: Record<string, { data: Float32Array; shape: number[] }> = {};
    for (const { bundle, rows } of touched) {
      const { width, slots } = this.store.bundles.get(bundle)!;
      const names = [bundle, ...this.store.optimizer.slots.map((slot) => tableSlot(bundle, slot))];
      const size = rows.length * width;
      const scratch = this.scratch.get(bundle);
      const arrays =
        scratch !== undefined && scratch[0]!.length >= size
          ? scratch
          : [bundle, ...slots].map(() => new Float32Array(Math.ceil(size * SPARE)));
      this.scratch.set(bundle, arrays);
      names.forEach((name, i) => {
        targets[`new ${name}`] = { data: arrays[i]!.subarray(0, size), shape: [rows.length, width] };
      });
    }
    return targets;
  }

  /** Adds to a batch what the step reads besides: the current values of all that is trained, and the schedule's numbers. */
  private complete(batch: PreparedBatch): PreparedStep {
    const { store, step } = this;
    const feeds: Feeds = { ...batch.feeds, ...this.vectors.feeds(step), ...tableFeeds(store) };
    return { batch, feeds, prepared: this.program.prepare(feeds) };
  }

  private failure({ batch, feeds }: PreparedStep, report: StepReport): Promise<TwoTowerError> {
    return divergence(this.graph, feeds, report, { batch, seed: this.options.seed, stepsPerEpoch: this.stepsPerEpoch });
  }
}

/** Every table whole, with what the optimizer remembers of it. */
export function tableFeeds({ bundles, optimizer }: ParameterStore): Feeds {
  const feeds: Feeds = {};
  for (const [name, { rows, width, values, slots }] of bundles) {
    feeds[name] = { data: values, shape: [rows, width] };
    optimizer.slots.forEach((slot, i) => {
      feeds[tableSlot(name, slot)] = { data: slots[i]!, shape: [rows, width] };
    });
  }
  return feeds;
}
