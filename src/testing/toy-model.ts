import * as ort from 'onnxruntime-node';
import { assembleBatch, itemFeeds } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { Build, compile, input, inScope, Program, reachable, type Tensor } from '../graph/index.js';
import { gatherState, type ModelDefinition, type ModelParts } from '../models/contract.js';
import { itemInputs, userInputs } from '../models/inputs.js';
import { Random } from '../random.js';
import type { FeedArray, Feeds } from '../schema.js';
import { Inference, type InferenceOptions } from '../training/inference.js';
import { createOptimizer } from '../training/optimizers.js';
import { ParameterStore } from '../training/parameter-store.js';
import { compilePart } from '../training/serving-graph.js';
import { everyPair, rowsOf } from './compare.js';
import { fillPadding } from './padding.js';
import { toyDataset } from './toy-dataset.js';
import { toyOptions } from './toy-options.js';

type PartName = 'item' | 'user' | 'score' | 'pairs' | 'rerank';

/** A registered model on the toy data, as serving runs it. */
export class ToyModel {
  readonly inference: Inference;

  private constructor(
    readonly parts: ModelParts,
    readonly dataset: Dataset,
    /** Where the parameters come from; may be changed at any time. */
    public source: ParameterStore,
  ) {
    this.inference = this.inferenceWith({});
  }

  /** Another one of the same parameters. */
  inferenceWith(options: InferenceOptions): Inference {
    const value = (name: string) => this.source.values(name);
    return new Inference(this.parts, this.dataset.schema, value, { threads: 1, ...options });
  }

  /** With arbitrary parameters, every one of which matters. Toy options of the model unless others are given. */
  // biome-ignore lint/suspicious/noExplicitAny: each model has its own options
  static async create(definition: ModelDefinition<any>, options?: object, dataset = toyDataset()): Promise<ToyModel> {
    const complete = options === undefined ? await toyOptions(definition) : definition.options.parse(options);
    const parts = definition.create(dataset.schema, complete);
    const store = new ParameterStore([], createOptimizer({ name: 'sgd', momentum: 0 }), 1);
    const model = new ToyModel(parts, dataset, store);
    model.source = new ParameterStore(model.inference.parameters, store.optimizer, 1);
    shake(model.source);
    return model;
  }

  /** Feeds of `count` requests from the whole time of the log: the first has no history yet, the last a full one. */
  requests(count: number): Feeds {
    const { events } = this.dataset;
    const rows = Uint32Array.from({ length: count }, (_, i) => (i * (events.count - 1)) / Math.max(1, count - 1));
    const { feeds } = assembleBatch(this.dataset, rows, { itemPerPair: true });
    return Object.fromEntries(Object.entries(feeds).filter(([name]) => /^(user|context|history)\./.test(name)));
  }

  /** Feeds of `count` items, from the first known one. */
  items(count: number): Feeds {
    return itemFeeds(
      this.dataset,
      Int32Array.from({ length: count }, (_, i) => 1 + i),
    );
  }

  /** The same feeds with arbitrary ids and numbers wherever lists and histories are padded. */
  withFullPadding(feeds: Feeds): Feeds {
    return fillPadding(feeds, this.dataset.schema);
  }

  /** Logits of every request with every item, request by request, through the parts. */
  async scores(requests: Feeds, items: Feeds): Promise<Float32Array> {
    const { inference } = this;
    const { request, item } = everyPair(rowsOf(requests), rowsOf(items));
    return inference.pairs(await inference.users(requests), await inference.items(items), request, item);
  }

  /** The same by one graph from raw feeds, built as training builds it but in serving mode. */
  async wholeGraph(requests: Feeds, items: Feeds): Promise<Float32Array> {
    const { parts, dataset, source } = this;
    const build = new Build(false);
    const logit = build.run(() => {
      const user = inScope('user', () => parts.user(userInputs(dataset.schema, 'B')));
      const item = inScope('item', () => parts.item(itemInputs(dataset.schema, 'I')));
      const pair = (side: string) => input(`pair.${side}`, ['P'], 'int32');
      return inScope('score', () => parts.score(gatherState(user, pair('request')), gatherState(item, pair('item'))));
    });
    const program = await Program.load(compile('whole', { logit }), { threads: 1 });
    const { request, item } = everyPair(rowsOf(requests), rowsOf(items));
    const pair = (data: Int32Array) => ({ data, shape: [data.length] });
    const feeds: Feeds = { ...requests, ...items, 'pair.request': pair(request), 'pair.item': pair(item) };
    for (const { name, shape } of build.parameters.values()) {
      feeds[name] = { data: source.values(name), shape: [...shape] };
    }
    const results = await program.call(feeds);
    await program.release();
    return results.logit!.data as Float32Array;
  }

  /** A part as a file that holds its parameters, opened with nothing but ONNX Runtime. */
  async exported(part: PartName): Promise<(feeds: Feeds) => Promise<Feeds>> {
    const { onnx } = compilePart(part, this.inference.parts, { embed: (name) => this.source.values(name) });
    const session = await ort.InferenceSession.create(onnx, { intraOpNumThreads: 1, logSeverityLevel: 3 });
    return async (feeds) => {
      const tensors = session.inputNames.map((name) => {
        const { data, shape } = feeds[name]!;
        const type = data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'bool';
        return [name, new ort.Tensor(type as 'float32', data as Float32Array, shape)];
      });
      const results = await session.run(Object.fromEntries(tensors));
      return Object.fromEntries(
        Object.entries(results).map(([name, { data, dims }]) => [name, { data: data as FeedArray, shape: [...dims] }]),
      );
    };
  }

  /** What the outputs of a part are made of: names of feeds, and `random` where numbers are drawn. */
  inputsOf(part: PartName): string[] {
    return inputNames(Object.values(this.inference.parts[part]!));
  }

  /** The same of the states as training computes them; a lookup counts as the feed its ids come from, a whole table as none. */
  trainingInputsOf(side: 'item' | 'user'): string[] {
    const { schema } = this.dataset;
    const state = new Build(true).run(() =>
      side === 'user' ? this.parts.user(userInputs(schema, 'B')) : this.parts.item(itemInputs(schema, 'I')),
    );
    const fed = inputNames(Object.values(state)).map((name) => name.split('@').at(-1)!);
    return fed.filter((name) => name !== 'all');
  }

  async release(): Promise<void> {
    await this.inference.release();
  }
}

/**
 * Moves every trained parameter by arbitrary numbers, so that no bias is zero, no embedding small and no unit stands at its kink;
 * running statistics become arbitrary means and variances.
 */
export function shake(store: ParameterStore): void {
  for (const { name, kind } of store.parameters) {
    const random = Random.of(1, 'shake', name);
    const values = store.values(name);
    for (let i = 0; i < values.length; i++) {
      values[i] = kind === 'state' ? 0.5 + random.uniform() : values[i]! + 0.3 * random.normal();
    }
  }
}

function inputNames(outputs: readonly Tensor[]): string[] {
  const leaves = reachable(outputs).filter(({ op }) => op.name === 'input' || op.name === 'random');
  return [...new Set(leaves.map(({ op, attributes }) => (op.name === 'random' ? 'random' : attributes.name)))];
}
