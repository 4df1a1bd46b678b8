import * as ort from 'onnxruntime-node';
import { didYouMean, TwoTowerError } from '../errors.js';
import type { Random } from '../random.js';
import type { FeedArray, Feeds } from '../schema.js';
import type { CompiledGraph } from './compile.js';
import { completeFeeds, namedSizes } from './complete-feeds.js';

import type { DType } from './dtype.js';
import { discard } from './native-memory.js';
import type { OnnxValue } from './onnx.js';
import { evaluate, formatShape, isBound, parse, type Shape } from './shape.js';

export interface ProgramOptions {
  /** Threads inside one run; 0 takes as many as the environment variable TWOTOWER_THREADS says, or every core. */
  threads?: number;
  /** ONNX Runtime execution provider; CPU is what is tested. */
  executionProvider?: string;
}

/** Feeds checked, completed and turned into ONNX tensors. */
export interface PreparedFeeds {
  tensors: Record<string, ort.Tensor>;
  sizes: ReadonlyMap<string, number>;
}

type OutputArray = Float32Array | Int32Array | Uint8Array | BigInt64Array | Float64Array;

export interface Output {
  data: OutputArray;
  shape: readonly number[];
}

const ARRAYS: Partial<Record<DType, new (length: number) => FeedArray>> = {
  float32: Float32Array,
  int32: Int32Array,
  bool: Uint8Array,
};

/** A compiled graph loaded into ONNX Runtime. */
export class Program {
  private constructor(
    readonly graph: CompiledGraph,
    private readonly session: ort.InferenceSession,
  ) {}

  static async load(
    graph: CompiledGraph,
    { threads = 0, executionProvider = 'cpu' }: ProgramOptions = {},
  ): Promise<Program> {
    const count = threads || Number(process.env.TWOTOWER_THREADS) || 0;
    const session = await ort.InferenceSession.create(graph.onnx, {
      executionProviders: [executionProvider],
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      ...(count > 0 && { intraOpNumThreads: count }),
    });
    return new Program(graph, session);
  }

  /**
   * Checks the feeds against the graph, binds named sizes, and completes what is not there yet: see `completeFeeds`.
   * Arrays are not copied: they must stay as they are until the run has ended.
   */
  prepare(feeds: Feeds, random?: Random): PreparedFeeds {
    const { inputs, plans, randoms } = this.graph;
    const tensors: Record<string, ort.Tensor> = {};
    for (const { name, dtype } of inputs) checkData(name, dtype, feeds, inputs);
    const sizes = namedSizes(inputs, feeds);
    for (const { name, dtype, shape } of inputs) {
      const feed = feeds[name]!;
      if (!fits(shape, feed.shape, sizes)) throw wrongShape(name, shape, feed.shape, sizes);
      tensors[name] = new ort.Tensor(dtype as 'float32', feed.data as Float32Array, feed.shape);
    }
    const complete = completeFeeds(this.graph, feeds, random);
    for (const name of plans.flatMap((plan) => Object.values(plan.feeds))) {
      const { data, shape } = complete[name]!;
      tensors[name] = new ort.Tensor('int32', data as Int32Array, shape);
    }
    for (const { name } of randoms) {
      const { data, shape } = complete[name]!;
      tensors[name] = new ort.Tensor('float32', data as Float32Array, shape);
    }
    return { tensors, sizes };
  }

  /**
   * Runs the graph. ONNX Runtime's binding works on the calling thread: nothing else happens there until the run has ended,
   * so work that shall go on meanwhile belongs into a worker. Outputs named in `into` are written there, the others into
   * fresh arrays.
   */
  async run(
    prepared: PreparedFeeds,
    into: Record<string, { data: FeedArray; shape: readonly number[] }> = {},
  ): Promise<Record<string, Output>> {
    const fetches: Record<string, ort.Tensor | null> = {};
    for (const { name, dtype } of this.graph.outputs) {
      const target = into[name];
      fetches[name] =
        target === undefined ? null : new ort.Tensor(dtype as 'float32', target.data as Float32Array, target.shape);
    }
    const results = await this.session.run(prepared.tensors, fetches);
    const outputs: Record<string, Output> = {};
    const copies: ArrayBuffer[] = [];
    for (const { name } of this.graph.outputs) {
      const result = results[name]!;
      const data = result.data as OutputArray;
      const target = into[name]?.data;
      // The binding hands out a copy even of what it wrote where it was told.
      if (target !== undefined && target.buffer !== data.buffer) copies.push(data.buffer as ArrayBuffer);
      outputs[name] = { data: target ?? data, shape: result.dims };
    }
    discard(copies);
    return outputs;
  }

  /** `prepare` and `run` in one. */
  async call(feeds: Feeds, random?: Random): Promise<Record<string, Output>> {
    return this.run(this.prepare(feeds, random));
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}

function checkData(name: string, dtype: DType, feeds: Feeds, inputs: readonly OnnxValue[]): void {
  const feed = feeds[name];
  if (feed === undefined) throw notFed(name, feeds, inputs);
  const wanted = ARRAYS[dtype];
  if (wanted === undefined || !(feed.data instanceof wanted)) {
    throw new TwoTowerError('GRAPH_FEED', `input ${name} wants ${dtype}, fed ${feed.data.constructor.name}`);
  }
  const length = feed.shape.reduce((a, b) => a * b, 1);
  if (length !== feed.data.length) {
    throw new TwoTowerError(
      'GRAPH_FEED',
      `input ${name} is fed ${feed.data.length} values for ${formatShape(feed.shape)}`,
    );
  }
}

function fits(pattern: Shape, shape: readonly number[], sizes: ReadonlyMap<string, number>): boolean {
  return (
    pattern.length === shape.length &&
    pattern.every((dim, axis) => isBound(dim, sizes) && evaluate(dim, sizes) === shape[axis])
  );
}

function notFed(name: string, feeds: Feeds, inputs: readonly OnnxValue[]): TwoTowerError {
  const unused = Object.keys(feeds).filter((fed) => !inputs.some((input) => input.name === fed));
  const remedy = unused.length === 0 ? undefined : `fed without being an input: ${didYouMean(name, unused)}`;
  return new TwoTowerError('GRAPH_FEED', `input ${name} is not fed`, remedy);
}

function wrongShape(
  name: string,
  wanted: Shape,
  fed: readonly number[],
  sizes: ReadonlyMap<string, number>,
): TwoTowerError {
  const names = [...new Set(wanted.flatMap((dim) => parse(dim).names))].filter((dim) => sizes.has(dim));
  const where = names.length === 0 ? '' : ` with ${names.map((dim) => `${dim}=${sizes.get(dim)}`).join(', ')}`;
  return new TwoTowerError('GRAPH_FEED', `input ${name} wants ${formatShape(wanted)}${where}, fed ${formatShape(fed)}`);
}
