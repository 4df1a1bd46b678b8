import { availableParallelism } from 'node:os';
import { TwoTowerError } from '../../errors.js';
import {
  type AnswerBase,
  type ChangeReport,
  DEFAULT_LIMITS,
  type Engine,
  type EngineLimits,
  type EngineStats,
  type FeedbackEvent,
  type ItemRow,
  type Key,
  type RankAnswer,
  type RankRequest,
  type RecommendAnswer,
  type RecommendRequest,
  type UserRow,
  type Visitor,
} from '../contract.js';
import { type AskContext, type Asked, askRank, askRecommend } from './asking.js';
import { Catalogue } from './catalogue.js';
import { PhaseEncoding } from './encoding.js';
import { laneHere, workerEntry } from './lane.js';
import { loaderEntry } from './loading.js';
import type { JobResult, WorkerRecipe } from './messages.js';
import { Pool } from './pool.js';
import { ShortWay } from './short-way.js';
import type { WorkerEntry } from './threads.js';
import { UserStates } from './user-states.js';
import { UserStore } from './user-store.js';
import { infoOf, type LoadedVersion, loadVersion } from './version.js';
import { computeStates, warmUp } from './warm-up.js';
import { startWorkers } from './workers.js';

export interface EngineOptions {
  /** Worker threads; 0 computes on the calling thread. One less than there are cores, at least one, unless given. */
  workers?: number;
  /** Threads of one ONNX Runtime session; 1 unless given: requests run side by side. */
  threads?: number;
  limits?: Partial<EngineLimits>;
  /** Whether phases are held to the version's budgets; they are unless this says not. */
  budgets?: boolean;
  /** The code of the workers, and of the thread that reads a version, where it is not the compiled one. */
  entry?: WorkerEntry | undefined;
  loader?: WorkerEntry | undefined;
  /** Whether other engines of this process answer while this one is opened: where it can, the thread that reads gives way to them. */
  beside?: boolean;
}

/**
 * Loads a version folder, checks every file, starts the workers and sends some requests through, so that the first real one is
 * not the slow one.
 *
 * @throws SERVING_STORE when a file is missing, damaged or does not fit, or when scores are not numbers
 */
export async function openEngine(folder: string, options: EngineOptions = {}): Promise<Engine> {
  const loader = options.workers === 0 ? undefined : (options.loader ?? loaderEntry());
  return startEngine(await loadVersion(folder, loader, options.beside), options);
}

/** Starts the workers over a version that was read already. @throws as `openEngine` */
export async function startEngine(version: LoadedVersion, options: EngineOptions = {}): Promise<Engine> {
  const engine = new LiveEngine(version, options);
  try {
    await engine.warm(options.budgets ?? true);
  } catch (error) {
    await engine.close();
    throw error;
  }
  return engine;
}

class LiveEngine implements Engine {
  readonly info: Engine['info'];
  readonly limits: EngineLimits;
  private readonly context: AskContext;
  private readonly catalogue: Catalogue;
  private readonly users: UserStore;
  private readonly states: UserStates;
  private readonly pool: Pool;
  /** Absent where the calling thread computes everything anyway. */
  private readonly shortWay: ShortWay | undefined;
  private readonly counts = {
    requests: { recommend: 0, rank: 0 },
    refused: 0,
    failed: 0,
    degraded: { retrieve: 0, prerank: 0, rank: 0 },
  };
  private readonly predictedMs: EngineStats['predictedMs'] = {};

  constructor(version: LoadedVersion, options: EngineOptions) {
    const { manifest, items, users, histories } = version;
    this.info = infoOf(version);
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    const itemOf = (key: unknown) => this.catalogue.values(key);
    const phases = version.phases.map(({ manifest: phase, schema, encoders, states }) => ({
      phase: phase.phase,
      encoding: new PhaseEncoding(phase, schema, encoders, itemOf),
      states,
    }));
    this.catalogue = new Catalogue(items, phases, manifest.keyColumns.item, () => this.pool);
    this.users = new UserStore(users, items, histories, manifest.histories, manifest.keyColumns.user);
    this.states = new UserStates(this.limits.userStates);
    this.context = {
      manifest,
      limits: this.limits,
      phases,
      catalogue: this.catalogue,
      users: this.users,
      states: this.states,
      // Not while it warms up: what is skipped is not checked.
      budgets: false,
    };
    const recipe = (): WorkerRecipe => ({
      phases: version.phases.map(({ manifest: phase, folder, states, score, codes }) => {
        return { manifest: phase, folder, states, score, codes };
      }),
      rows: this.catalogue.rows,
      alive: this.catalogue.alive,
      threads: options.threads ?? 1,
    });
    const entry = options.entry ?? workerEntry();
    const workers = options.workers ?? Math.max(1, availableParallelism() - 1);
    const isThreaded = entry !== undefined && workers > 0;
    const lanes = isThreaded ? startWorkers(recipe, entry, workers) : [laneHere(recipe())];
    if (isThreaded) this.shortWay = new ShortWay(laneHere({ ...recipe(), onlyScores: true }));
    // Each thread has them in memory of its own now.
    for (const phase of version.phases) phase.codes = undefined;
    this.pool = new Pool(lanes, this.limits.queue, this.shortWay);
  }

  async warm(budgets: boolean): Promise<void> {
    await warmUp(this, this.context, this.pool, this.shortWay);
    this.context.budgets = budgets;
    this.counts.requests = { recommend: 0, rank: 0 };
    this.counts.degraded = { retrieve: 0, prerank: 0, rank: 0 };
    this.states.hits = 0;
    this.states.misses = 0;
  }

  async recommend(request: RecommendRequest, isWanted?: () => boolean): Promise<RecommendAnswer> {
    const keyOf = (row: number) => this.catalogue.table.keyOf(row);
    const { result, base } = await this.ask('recommend', request, askRecommend, keyOf, isWanted);
    const items = Array.from(result.found, (row, i) => ({
      item: keyOf(row),
      score: result.scores[i]!,
      // Phases see ever shorter lists: the last one that reached so far scored it.
      phase: result.reached.findLast(({ count }) => i < count)?.phase ?? ('retrieve' as const),
    }));
    return { ...base, items };
  }

  async rank(request: RankRequest, isWanted?: () => boolean): Promise<RankAnswer> {
    // Candidates are told as they were asked for: a key that is not known has no row.
    const nameOf = (at: number) => String(request.candidates[at]);
    const { asked, result, base } = await this.ask('rank', request, askRank, nameOf, isWanted);
    let unknown = 0;
    for (const row of asked.job.candidates!) if (row === 0) unknown++;
    const { found, reached, scores } = result;
    // Positions are never negative: the same bits, and nothing is copied.
    const order = new Uint32Array(found.buffer as ArrayBuffer, found.byteOffset, found.length);
    return { ...base, phase: reached[0]?.phase, order, scores, unknown };
  }

  putItems(items: readonly ItemRow[]): Promise<ChangeReport> {
    return this.catalogue.put(items);
  }

  deleteItems(keys: readonly Key[]): Promise<ChangeReport> {
    return this.catalogue.delete(keys);
  }

  async putUsers(users: readonly UserRow[]): Promise<ChangeReport> {
    return counted(users, (user) => this.users.put(user));
  }

  async deleteUsers(keys: readonly Key[]): Promise<ChangeReport> {
    return counted(keys, (key) => this.users.delete(key));
  }

  async addEvents(events: readonly FeedbackEvent[]): Promise<ChangeReport> {
    const now = Date.now() / 1e3;
    return counted(events, (event) => this.users.add({ ...event, time: event.time ?? now }));
  }

  item(key: Key) {
    return this.catalogue.item(key);
  }

  user(key: Key) {
    return this.users.describe(key);
  }

  stats(): EngineStats {
    const { hits, misses, size } = this.states;
    return {
      version: this.info.id,
      requests: { ...this.counts.requests },
      refused: this.counts.refused,
      failed: this.counts.failed,
      degraded: { ...this.counts.degraded },
      cache: { hits, misses, size },
      workersBusyMs: this.pool.lanes.reduce((sum, lane) => sum + lane.busyMs(), 0),
      queued: this.pool.queued,
      running: this.pool.running,
      items: this.catalogue.table.size,
      users: this.users.size,
      predictedMs: { ...this.predictedMs },
    };
  }

  isFull(): boolean {
    return this.pool.isFull();
  }

  countRefused(): void {
    this.counts.refused++;
  }

  visitors(most: number): Visitor[] {
    return this.states.visitors(most);
  }

  async expect(visitors: readonly Visitor[]): Promise<void> {
    await computeStates(this.context, this.pool, visitors);
    this.states.hits = 0;
    this.states.misses = 0;
  }

  async close(): Promise<void> {
    await this.pool.close();
  }

  private async ask<R extends RecommendRequest | RankRequest>(
    kind: 'recommend' | 'rank',
    request: R,
    turn: (context: AskContext, request: R, arrived: number) => Asked,
    nameOf: (found: number) => string,
    isWanted: (() => boolean) | undefined,
  ): Promise<{ asked: Asked; result: JobResult; base: AnswerBase }> {
    const arrived = now();
    const asked = turn(this.context, request, arrived);
    let result: JobResult;
    try {
      result = await this.pool.run(asked.job, isWanted);
    } catch (error) {
      const refused = error instanceof TwoTowerError && error.code.startsWith('SERVING_');
      if (refused) this.counts.refused++;
      else this.counts.failed++;
      throw error;
    }
    this.counts.requests[kind]++;
    for (const { phase } of result.degraded) this.counts.degraded[phase]++;
    Object.assign(this.predictedMs, result.predictedMs);
    for (const [phase, key] of asked.stateKeys) {
      const state = result.states[phase];
      if (state !== undefined) this.states.set(key, state, { phase, user: request.user, context: request.context });
    }
    const base: AnswerBase = {
      version: this.info.id,
      phases: result.reports,
      degraded: result.degraded,
      userKnown: request.user !== undefined && this.users.has(request.user),
      timing: { queueMs: result.queueMs, totalMs: now() - arrived },
      ...(request.explain === true && {
        explain: result.traces.map(({ phase, found, scores, kept }) => ({
          phase,
          items: Array.from(found, nameOf),
          scores,
          kept,
        })),
      }),
    };
    return { asked, result, base };
  }
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

function counted<T>(rows: readonly T[], apply: (row: T) => boolean): ChangeReport {
  let applied = 0;
  for (const row of rows) if (apply(row)) applied++;
  return { applied, ignored: rows.length - applied };
}
