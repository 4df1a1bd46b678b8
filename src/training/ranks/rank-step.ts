import type { BatchShare, SharedRows } from '../../data/batch-share.js';
import { bytesOf, type Ranks } from '../../distributed/ranks.js';
import { evaluate, isBound, type Output, Program, type ProgramOptions } from '../../graph/index.js';
import type { Exchange } from '../../graph/partition/index.js';
import type { Feed, FeedArray, Feeds } from '../../schema.js';
import type { RankGraph } from './rank-graph.js';
import { StepMemory } from './step-memory.js';

/** The values of a step by name; what ranks exchange is found under the name of its result. */
export type Values = Record<string, Feed>;

/** Takes gradients of looked-up rows to their owners: bundle → [rows, width] both ways. */
export type ToOwners = (gradients: ReadonlyMap<string, Float32Array>) => Promise<Map<string, Float32Array>>;

/** Where an output is written. */
interface Target<Data = FeedArray> {
  data: Data;
  shape: readonly number[];
}

/** Milliseconds of the last step. */
export interface StepTimes {
  computing: number;
  /** In exchanges, the waiting for other ranks included. */
  exchanging: number;
}

/** The pieces of a rank's graph, loaded: runs one after the other and exchanges what lies between. */
export class RankStep {
  readonly times: StepTimes = { computing: 0, exchanging: 0 };

  private readonly memory = new StepMemory();

  private constructor(
    private readonly ranks: Ranks,
    private readonly graph: RankGraph,
    private readonly programs: readonly Program[],
  ) {}

  static async load(ranks: Ranks, graph: RankGraph, options: ProgramOptions): Promise<RankStep> {
    const programs: Program[] = [];
    for (const { compiled } of graph.segments) programs.push(await Program.load(compiled, options));
    return new RankStep(ranks, graph, programs);
  }

  /**
   * Runs a step.
   *
   * @param into where outputs of the whole step are written, by their names there
   * @returns every output of the whole step
   */
  async run(
    feeds: Feeds,
    share: BatchShare,
    into: Record<string, Target<Float32Array>>,
    toOwners: ToOwners,
  ): Promise<Values> {
    const { segments, places } = this.graph;
    const values: Values = { ...feeds };
    const targets = Object.fromEntries(Object.entries(into).map(([output, target]) => [places[output]!, target]));
    this.times.computing = 0;
    this.times.exchanging = 0;
    for (const [i, { exchanges }] of segments.entries()) {
      const started = performance.now();
      const prepared = this.programs[i]!.prepare(values);
      const outputs = await this.programs[i]!.run(prepared, this.placesFor(i, prepared.sizes, targets));
      for (const [name, { data, shape }] of Object.entries(outputs)) {
        values[name] = { data: data as FeedArray, shape: [...shape] };
      }
      const computed = performance.now();
      await this.sum(exchanges, outputs, values);
      await this.gather(exchanges, i, values, share, prepared.sizes);
      await this.handToOwners(exchanges, outputs, values, toOwners);
      this.times.computing += computed - started;
      this.times.exchanging += performance.now() - computed;
    }
    for (const [name, { data }] of Object.entries(targets)) {
      // What comes out of an exchange was not written by a run.
      if (values[name]!.data !== data) data.set(values[name]!.data as Float32Array);
    }
    return Object.fromEntries(Object.entries(places).map(([output, place]) => [output, values[place]!]));
  }

  async release(): Promise<void> {
    for (const program of this.programs) await program.release();
  }

  /**
   * Where a piece writes: what the caller has no place for goes to memory that is used again at every step, unless only the run tells
   * its size. Fresh arrays would be garbage of many megabytes a second, for which V8 collects all that a rank holds at every step.
   */
  private placesFor(
    segment: number,
    sizes: ReadonlyMap<string, number>,
    targets: Readonly<Record<string, Target>>,
  ): Record<string, Target> {
    const places: Record<string, Target> = {};
    for (const { name, dtype, shape: dims } of this.graph.segments[segment]!.compiled.outputs) {
      if (targets[name] !== undefined) places[name] = targets[name];
      else if (dims.every((dim) => isBound(dim, sizes))) {
        const shape = dims.map((dim) => evaluate(dim, sizes));
        const length = shape.reduce((a, b) => a * b, 1);
        places[name] = { data: this.memory.take(`${name} of piece ${segment}`, dtype, length), shape };
      }
    }
    return places;
  }

  /** All sums that are due go over the wire as one. */
  private async sum(exchanges: readonly Exchange[], outputs: Record<string, Output>, values: Values): Promise<void> {
    const due = exchanges.filter(({ kind }) => kind === 'sum');
    if (due.length === 0) return;
    const pieces = due.map(({ value }) => outputs[value]!.data as Float32Array);
    const bucket = this.memory.take(
      `sums after ${due[0]!.value}`,
      'float32',
      pieces.reduce((total, { length }) => total + length, 0),
    ) as Float32Array;
    let at = 0;
    for (const piece of pieces) {
      bucket.set(piece, at);
      at += piece.length;
    }
    await this.ranks.sum(bucket);
    at = 0;
    due.forEach(({ value, result }, i) => {
      const { shape } = outputs[value]!;
      values[result] = { data: bucket.subarray(at, at + pieces[i]!.length), shape: [...shape] };
      at += pieces[i]!.length;
    });
  }

  private async gather(
    exchanges: readonly Exchange[],
    segment: number,
    values: Values,
    share: BatchShare,
    sizes: ReadonlyMap<string, number>,
  ): Promise<void> {
    const { compiled } = this.graph.segments[segment]!;
    for (const { kind, value, result, name } of exchanges) {
      if (kind !== 'gather') continue;
      const { data, shape } = values[value]!;
      const rows = share[name as keyof BatchShare];
      const { shape: dims, dtype } = compiled.outputs.find((output) => output.name === value)!;
      const inner = shape.slice(1).reduce((a, b) => a * b, 1);
      const first = (count: number) => evaluate(dims[0]!, new Map([...sizes, [name, count]]));
      const all = this.memory.take(result, dtype, first(rows.total) * inner);
      const each = inner * data.BYTES_PER_ELEMENT;
      const lengths = rows.counts.map((count) => first(count) * each);
      if (rows.order === undefined) await this.ranks.gather(bytesOf(data), lengths, bytesOf(all));
      else {
        const unordered = bytesOf(this.memory.take(`${result} by rank`, dtype, all.length));
        await this.ranks.gather(bytesOf(data), lengths, unordered);
        putInOrder(unordered, rows, bytesOf(all));
      }
      values[result] = { data: all, shape: [first(rows.total), ...shape.slice(1)] };
    }
  }

  private async handToOwners(
    exchanges: readonly Exchange[],
    outputs: Record<string, Output>,
    values: Values,
    toOwners: ToOwners,
  ): Promise<void> {
    const due = exchanges.filter(({ kind }) => kind === 'owners');
    if (due.length === 0) return;
    const gradients = due.map(({ name, value }) => [name, outputs[value]!.data as Float32Array] as const);
    const owned = await toOwners(new Map(gradients));
    for (const { name, value, result } of due) {
      const width = outputs[value]!.shape[1]!;
      const data = owned.get(name)!;
      values[result] = { data, shape: [data.length / width, width] };
    }
  }
}

/** Rows of all ranks, one rank's after another's, in the order of the whole batch. */
function putInOrder(from: Uint8Array, { order, total }: SharedRows, to: Uint8Array): void {
  const each = from.length / total;
  for (let i = 0; i < total; i++) to.set(from.subarray(i * each, (i + 1) * each), order![i]! * each);
}
