import {
  type CompiledGraph,
  compile,
  evaluate,
  input,
  type Parameter,
  Program,
  type ProgramOptions,
  reachable,
  stepsOf,
  type Tensor,
  withFullLists,
} from '../graph/index.js';
import type { ModelParts } from '../models/contract.js';
import type { Feed, FeedArray, Feeds, Schema } from '../schema.js';
import { similarityMatrix } from './objectives.js';
import { buildServingParts, compilePart, type ServingParts } from './serving-graph.js';

/** States of some items or requests on the host, by name; all have the same first axis. */
export type HostState = Record<string, Feed>;

export interface InferenceOptions extends ProgramOptions {
  /**
   * Bytes that one tensor inside the user part may take, 128 MB unless given. A model may ask dozens of questions about every
   * past event of a request.
   */
  largestTensor?: number;
}

/** Short lists, one a request: B lists of N places. */
export interface Lists {
  /** Rows of the item states, [B · N]; what stands at a place that holds nothing does not matter, as long as it is a row. */
  items: Int32Array;
  /** [B · N] */
  scores: Float32Array;
  /** [B · N]: 1 where a place holds an item; all do unless given. */
  mask?: Uint8Array;
}

type PartName = 'item' | 'user' | 'score' | 'pairs' | 'asked' | 'rerank' | 'retrieve';

/**
 * The serving parts of a model, run with parameters that live elsewhere: in a trainer, whose current values each call sees,
 * or in a checkpoint.
 */
export class Inference {
  private readonly programs = new Map<PartName, Promise<Program>>();
  readonly parts: ServingParts;

  constructor(
    readonly model: ModelParts,
    schema: Schema,
    /** Current values of a parameter. */
    readonly value: (parameter: string) => Float32Array,
    private readonly options: InferenceOptions = {},
  ) {
    this.parts = buildServingParts(model, schema);
  }

  get parameters(): readonly Parameter[] {
    return this.parts.parameters;
  }

  /** Item feeds `item.F` → item states `item.STATE`. */
  items(feeds: Feeds): Promise<HostState> {
    return this.call('item', feeds);
  }

  /** User, context and history feeds → user states `user.STATE`. Runs as many requests at once as fit in memory. */
  async users(feeds: Feeds): Promise<HostState> {
    const { rows, inputs } = rowsAtOnce(Object.values(this.parts.user), this.largestTensor);
    const own = Object.fromEntries(inputs.filter((name) => name in feeds).map((name) => [name, feeds[name]!]));
    const total = Object.values(own)[0]?.shape[0] ?? 0;
    if (total <= rows) return this.call('user', feeds);
    const blocks: HostState[] = [];
    for (let from = 0; from < total; from += rows) {
      blocks.push(await this.call('user', sliceState(own, from, Math.min(from + rows, total))));
    }
    return concatStates(blocks);
  }

  /** Logits of one request (states with one row) against many items: [N]. */
  async score(user: HostState, items: HostState): Promise<Float32Array> {
    return this.logits('score', { ...user, ...items });
  }

  /** Logits of pairs: `request` and `item` are rows of the states: [P]. */
  async pairs(users: HostState, items: HostState, request: Int32Array, item: Int32Array): Promise<Float32Array> {
    const shape = [request.length];
    const pair = { 'pair.request': { data: request, shape }, 'pair.item': { data: item, shape } };
    return this.logits('pairs', { ...users, ...items, ...pair });
  }

  /**
   * The same from the feeds of the requests: where the model can, without working out what of their states no pair asks about. Cheap
   * when the pairs of a request stand together.
   */
  async askedPairs(feeds: Feeds, items: HostState, request: Int32Array, item: Int32Array): Promise<Float32Array> {
    const { asked } = this.parts;
    if (asked === undefined) return this.pairs(await this.users(feeds), items, request, item);
    const { rows, inputs } = rowsAtOnce(Object.values(asked), this.largestTensor);
    const requests = inputs.filter((name) => !/^(pair|item)\./.test(name));
    const own = Object.fromEntries(requests.map((name) => [name, feeds[name]!]));
    const logits = new Float32Array(request.length);
    for (let from = 0; from < request.length; from += rows) {
      const asking = request.subarray(from, from + rows);
      const first = asking.reduce((a, b) => Math.min(a, b));
      const last = asking.reduce((a, b) => Math.max(a, b));
      const pair = {
        'pair.request': { data: asking.map((row) => row - first), shape: [asking.length] },
        'pair.item': { data: item.subarray(from, from + rows), shape: [asking.length] },
      };
      logits.set(await this.logits('asked', { ...sliceState(own, first, last + 1), ...items, ...pair }), from);
    }
    return logits;
  }

  /** Inner products of all requests with all items, [B · N] row by row; for models that can retrieve. */
  async retrieve(users: HostState, items: HostState): Promise<Float32Array> {
    return this.logits('retrieve', { ...users, ...items });
  }

  /** Logits of the candidates of each request's list, [B · N] list by list; for models that re-rank. */
  async rerank(users: HostState, items: HostState, { items: rows, scores, mask }: Lists): Promise<Float32Array> {
    const { rerank } = this.parts;
    if (rerank === undefined) throw new RangeError('the model does not re-rank');
    const requests = Object.values(users)[0]?.shape[0] ?? 0;
    const places = requests === 0 ? 0 : rows.length / requests;
    const list = [requests, places];
    const feeds: Feeds = {
      scores: { data: scores, shape: list },
      mask: { data: mask ?? new Uint8Array(rows.length).fill(1), shape: list },
    };
    for (const name of inputNames(Object.values(rerank))) {
      const user = users[name];
      if (user !== undefined) feeds[name] = { data: user.data, shape: [requests, 1, ...user.shape.slice(1)] };
      const item = items[name];
      if (item !== undefined) feeds[name] = { ...takeRows(item, rows), shape: [...list, ...item.shape.slice(1)] };
    }
    return this.logits('rerank', feeds);
  }

  async release(): Promise<void> {
    for (const program of this.programs.values()) await (await program).release();
    this.programs.clear();
  }

  private get largestTensor(): number {
    return this.options.largestTensor ?? 128 << 20;
  }

  private async logits(part: PartName, feeds: Feeds): Promise<Float32Array> {
    const outputs = await this.call(part, feeds);
    return outputs.logit!.data as Float32Array;
  }

  private async call(part: PartName, feeds: Feeds): Promise<HostState> {
    let loading = this.programs.get(part);
    if (loading === undefined) {
      loading = Program.load(this.compilePart(part), this.options);
      this.programs.set(part, loading);
    }
    const program = await loading;
    const complete: Feeds = { ...feeds };
    for (const { name, shape } of this.parameters) complete[name] = { data: this.value(name), shape: [...shape] };
    const outputs = await program.call(complete);
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { data, shape }]) => [name, { data: data as FeedArray, shape: [...shape] }]),
    );
  }

  private compilePart(part: PartName): CompiledGraph {
    if (part !== 'retrieve') return compilePart(part, this.parts);
    const { retrieval } = this.model;
    if (retrieval === undefined) throw new RangeError('the model cannot retrieve');
    const query = this.parts.user[`user.${retrieval.user}`]!;
    const key = this.parts.item[`item.${retrieval.item}`]!;
    const scores = similarityMatrix(
      this.model,
      { [retrieval.user]: input(`user.${retrieval.user}`, query.shape) },
      { [retrieval.item]: input(`item.${retrieval.item}`, key.shape) },
    );
    return compile('retrieve', { logit: scores });
  }
}

/** How many requests or pairs keep every tensor below the limit, and the feeds that have a row for each request. */
function rowsAtOnce(outputs: readonly Tensor[], limit: number): { rows: number; inputs: string[] } {
  const all = reachable(outputs).flatMap((node) => [node, ...stepsOf(node).nodes]);
  const one = withFullLists(all, new Map(['B', 'P', 'I'].map((name) => [name, 1])));
  const nodes = all.filter(({ shape }) => shape.some((dim) => typeof dim === 'string'));
  const elements = nodes.map(({ shape }) => shape.reduce((total: number, dim) => total * evaluate(dim, one), 1));
  return { rows: Math.max(1, Math.floor(limit / (4 * Math.max(1, ...elements)))), inputs: inputNames(outputs) };
}

function inputNames(outputs: readonly Tensor[]): string[] {
  const inputs = reachable(outputs).filter(({ op }) => op.name === 'input');
  return inputs.map(({ attributes }) => attributes.name as string);
}

/** Rows of a tensor of the host, one below the other. */
export function takeRows({ data, shape }: Feed, rows: Int32Array): Feed {
  const size = shape.slice(1).reduce((a, b) => a * b, 1);
  const Type = data.constructor as new (length: number) => FeedArray;
  const taken = new Type(rows.length * size);
  for (let i = 0; i < rows.length; i++) taken.set(data.subarray(rows[i]! * size, (rows[i]! + 1) * size), i * size);
  return { data: taken, shape: [rows.length, ...shape.slice(1)] };
}

/** Rows `from` to `to` of every tensor of a state, as views. */
export function sliceState(state: HostState, from: number, to: number): HostState {
  return Object.fromEntries(
    Object.entries(state).map(([name, { data, shape }]) => {
      const size = shape.slice(1).reduce((a, b) => a * b, 1);
      return [name, { data: data.subarray(from * size, to * size), shape: [to - from, ...shape.slice(1)] }];
    }),
  );
}

/** States one below the other. */
export function concatStates(states: readonly HostState[]): HostState {
  const first = states[0]!;
  if (states.length === 1) return first;
  return Object.fromEntries(
    Object.entries(first).map(([name, { data, shape }]) => {
      const parts = states.map((state) => state[name]!);
      const Type = data.constructor as new (length: number) => FeedArray;
      const whole = new Type(parts.reduce((total, part) => total + part.data.length, 0));
      let at = 0;
      for (const part of parts) {
        whole.set(part.data, at);
        at += part.data.length;
      }
      const rows = parts.reduce((total, part) => total + part.shape[0]!, 0);
      return [name, { data: whole, shape: [rows, ...shape.slice(1)] }];
    }),
  );
}
