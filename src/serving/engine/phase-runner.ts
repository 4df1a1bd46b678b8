import type { RetrievalIndex } from '../../cascade/index/retrieval-index.js';
import type { Feed, Feeds } from '../../schema.js';
import type { Phase } from '../contract.js';
import type { SharedStates } from './item-states.js';
import { LivingRows } from './living-rows.js';
import type { Job, JobPhase, JobResult, RowChange, Search, WorkerRecipe } from './messages.js';
import { descending } from './order.js';
import { PhaseModel } from './phase-model.js';

/** Excluded rows that an index is asked beyond; with more, each row is tested while it searches. */
const MOST_SPARED = 1000;
/** Rows scored at once where retrieval looks at all of them with the score part. */
const SWEEP = 65_536;

/**
 * Runs requests through the phases, one at a time, on the thread it is made on. Between two requests it takes changes of the
 * catalogue, so that each request sees one state of it.
 */
export class PhaseRunner {
  private readonly models = new Map<Phase, PhaseModel>();
  private readonly living: LivingRows;

  private constructor(rows: number, alive: Uint8Array) {
    this.living = new LivingRows(rows, alive);
  }

  static async create({ phases, rows, alive, threads, onlyScores = false }: WorkerRecipe): Promise<PhaseRunner> {
    const runner = new PhaseRunner(rows, alive);
    for (const phase of phases) {
      const model = await PhaseModel.load(phase, threads, onlyScores);
      runner.models.set(phase.manifest.phase, model);
      model.catchUp(alive, rows, phase.codes);
    }
    return runner;
  }

  async run(job: Job): Promise<JobResult> {
    const started = now();
    const result: JobResult = {
      queueMs: Math.max(0, started - job.arrived),
      found: new Int32Array(0),
      scores: new Float32Array(0),
      reached: [],
      reports: [],
      degraded: [],
      traces: [],
      states: {},
      predictedMs: {},
    };
    const [only] = job.phases;
    if (job.candidates !== undefined && job.phases.length === 1 && !job.explain) {
      await this.rank(job, only!, job.candidates, result);
      return result;
    }
    let phases = job.phases;
    let rows: Int32Array;
    let scores: Float32Array;
    if (job.search !== undefined) {
      [rows, scores] = await this.retrieve(job, phases[0]!, job.search, result);
      phases = phases.slice(1);
    } else {
      rows = job.candidates!.slice();
      scores = new Float32Array(rows.length).fill(Number.NaN);
    }
    /** Where a candidate came in. */
    const positions = new Int32Array(rows.length);
    for (let i = 0; i < positions.length; i++) positions[i] = i;
    let width = job.search === undefined ? rows.length : Math.min(rows.length, job.phases[0]!.keep);
    for (const phase of phases) {
      if (width > 0) {
        const ranked = await this.rescore(job, phase, rows, width, result);
        if (ranked !== undefined) {
          const { order, logits } = ranked;
          const [oldRows, oldPositions] = [rows.slice(0, width), positions.slice(0, width)];
          for (let i = 0; i < width; i++) {
            rows[i] = oldRows[order[i]!]!;
            positions[i] = oldPositions[order[i]!]!;
            scores[i] = logits[order[i]!]!;
          }
          result.reached.push({ phase: phase.phase, count: width });
          if (job.explain) trace(result, phase, job.search === undefined ? positions : rows, scores, width);
        }
      }
      width = Math.min(width, phase.keep);
    }
    const k = Math.min(job.k, rows.length);
    result.found = (job.search === undefined ? positions : rows).slice(0, k);
    result.scores = scores.slice(0, k);
    return result;
  }

  /** Given candidates and one phase, as most rankings are: what is scored is handed on in its order, and nothing else is moved. */
  private async rank(job: Job, phase: JobPhase, candidates: Int32Array, result: JobResult): Promise<void> {
    const count = candidates.length;
    const most = Math.min(job.k, count);
    const ranked = count === 0 ? undefined : await this.rescore(job, phase, candidates, count, result);
    result.scores = new Float32Array(most);
    if (ranked === undefined) {
      result.found = Int32Array.from({ length: most }, (_, i) => i);
      result.scores.fill(Number.NaN);
      return;
    }
    const { order, logits } = ranked;
    result.found = new Int32Array(order.buffer, 0, most);
    for (let i = 0; i < most; i++) result.scores[i] = logits[order[i]!]!;
    result.reached.push({ phase: phase.phase, count });
  }

  async encode(rows: Int32Array, feeds: Partial<Record<Phase, Feeds>>): Promise<void> {
    for (const [phase, model] of this.models) await model.encode(rows, feeds[phase]!);
  }

  change(change: RowChange): void {
    this.living.change(change);
    for (const model of this.models.values()) model.change(change.on, change.off);
  }

  grow(states: Partial<Record<Phase, SharedStates>>): void {
    for (const [phase, model] of this.models) model.states = states[phase] ?? model.states;
  }

  async release(): Promise<void> {
    for (const model of this.models.values()) await model.release();
  }

  private async retrieve(
    job: Job,
    asked: JobPhase,
    search: Search,
    result: JobResult,
  ): Promise<[Int32Array, Float32Array]> {
    const begin = now();
    const { phase } = asked;
    const model = this.models.get(phase)!;
    const wanted = Math.max(asked.keep, job.k);
    const { rows: count } = this.living;
    const filter = this.living.filter(search);
    const { allowed } = filter;
    const user = await this.userState(asked, model, result);
    const vector = model.manifest.retrieval;
    const query = vector && user[`user.${vector.user}`];
    let searched = count - 1;
    let candidates: Int32Array;
    if (search.only !== undefined) {
      searched = search.only.length;
      candidates = search.only.filter(allowed);
    } else if (query?.data.every(Number.isFinite)) {
      const most = Math.max(1, Math.min(wanted, count));
      if (model.index === undefined) {
        candidates = model.nearest(count, query.data as Float32Array, most, filter);
      } else {
        candidates = await this.searchIndex(model.index, query, most, search, allowed);
      }
    } else {
      candidates = Int32Array.from({ length: count }, (_, row) => row).filter(allowed);
    }
    // Equal scores are in the order of the catalogue.
    candidates.sort();
    const best = await this.bestOf(model, user, candidates, wanted);
    const rows = best?.rows ?? candidates.slice(0, wanted);
    const scores = best?.scores ?? new Float32Array(rows.length).fill(Number.NaN);
    const ms = now() - begin;
    model.estimate.measured(searched, ms);
    tellPrediction(result, phase, model.estimate.predict(searched));
    if (best === undefined) {
      const detail = 'a score is not a number; the order is that of the catalogue';
      result.degraded.push({ phase, reason: 'failed', detail });
    } else {
      result.reached.push({ phase, count: rows.length });
      if (job.explain) trace(result, asked, rows, scores, rows.length);
    }
    result.reports.push({ phase, in: searched, kept: Math.min(rows.length, asked.keep), ms });
    return [rows, scores];
  }

  /** The index knows which rows are items. What else is left out are few: asking for so many more is faster than a filter. */
  private async searchIndex(
    index: RetrievalIndex,
    query: Feed,
    most: number,
    { allow, exclude }: Search,
    allowed: (row: number) => boolean,
  ): Promise<Int32Array> {
    const queries = { data: query.data as Float32Array, shape: query.shape };
    if (allow !== undefined || exclude.length > MOST_SPARED) {
      const [best] = await index.search(queries, most, { allow: allowed });
      return best!.items;
    }
    const [best] = await index.search(queries, Math.min(most + exclude.length, this.living.rows));
    return best!.items.filter(allowed).subarray(0, most);
  }

  /** The best of many rows by the score part, in pieces that fit in memory. */
  private async bestOf(model: PhaseModel, user: Feeds, candidates: Int32Array, wanted: number) {
    let rows = new Int32Array(0);
    let scores = new Float32Array(0);
    for (let from = 0; from < candidates.length; from += SWEEP) {
      const block = candidates.subarray(from, from + SWEEP);
      const found = await model.scores(user, block, block.length);
      if (found === undefined) return undefined;
      const allRows = joined(rows, block);
      const allScores = joined(scores, found);
      const order = descending(allScores, allScores.length);
      const kept = Math.min(wanted, order.length);
      rows = new Int32Array(kept);
      scores = new Float32Array(kept);
      for (let i = 0; i < kept; i++) {
        rows[i] = allRows[order[i]!]!;
        scores[i] = allScores[order[i]!]!;
      }
    }
    return { rows, scores };
  }

  /** One later phase over the first `width` rows; undefined where it was skipped or failed. */
  private async rescore(job: Job, asked: JobPhase, rows: Int32Array, width: number, result: JobResult) {
    const begin = now();
    const { phase, budgetMs = Number.POSITIVE_INFINITY } = asked;
    const model = this.models.get(phase)!;
    const predicted = model.estimate.predict(width);
    const left = job.deadline === undefined ? Number.POSITIVE_INFINITY : job.deadline - begin;
    const limit = Math.min(budgetMs, left);
    if (limit <= 0 || (predicted !== undefined && predicted > limit)) {
      model.estimate.skipped(width);
      const needs = predicted === undefined ? '' : `, ${width} candidates take about ${predicted.toFixed(2)} ms`;
      const detail = `${Math.max(0, limit).toFixed(2)} ms are left${needs}`;
      result.degraded.push({ phase, reason: 'budget', detail });
      return undefined;
    }
    const user = await this.userState(asked, model, result);
    const logits = await model.scores(user, rows, width);
    const ms = now() - begin;
    model.estimate.measured(width, ms);
    tellPrediction(result, phase, model.estimate.predict(width));
    if (logits === undefined) {
      result.degraded.push({ phase, reason: 'failed', detail: 'a score is not a number' });
      return undefined;
    }
    result.reports.push({ phase, in: width, kept: Math.min(width, asked.keep), ms });
    return { order: descending(logits, width), logits };
  }

  private async userState({ phase, user }: JobPhase, model: PhaseModel, result: JobResult): Promise<Feeds> {
    if ('state' in user) return user.state;
    const state = await model.userState(user.feeds);
    result.states[phase] = state;
    return state;
  }
}

function tellPrediction({ predictedMs }: JobResult, phase: Phase, ms: number | undefined): void {
  if (ms !== undefined) predictedMs[phase] = ms;
}

function trace(
  { traces }: JobResult,
  { phase, keep }: JobPhase,
  found: Int32Array,
  scores: Float32Array,
  count: number,
) {
  traces.push({ phase, found: found.slice(0, count), scores: scores.slice(0, count), kept: Math.min(count, keep) });
}

function joined<T extends Int32Array | Float32Array>(first: T, second: T): T {
  if (first.length === 0) return second;
  const Type = first.constructor as new (length: number) => T;
  const all = new Type(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
