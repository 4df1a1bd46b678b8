import { TwoTowerError } from '../../../errors.js';
import {
  type ChangeReport,
  DEFAULT_LIMITS,
  type EngineHost,
  type EngineStats,
  type FeedbackEvent,
  type ItemRow,
  type Key,
  type RankAnswer,
  type RankRequest,
  type RecommendAnswer,
  type RecommendRequest,
  type UserRow,
  type VersionInfo,
} from '../../contract.js';

export interface FakeHostOptions {
  version?: string;
  /** Milliseconds of work per request; one at a time, as one worker would. */
  workMs?: number;
  /** No request is answered before it resolves. */
  held?: Promise<void>;
  queue?: number;
}

/** An engine that scores an item by its key, for tests of what stands around it. */
export class FakeHost implements EngineHost {
  readonly items = new Map<string, ItemRow['values']>();
  readonly users = new Map<string, UserRow['values']>();
  readonly events: FeedbackEvent[] = [];
  readonly asked: (RecommendRequest | RankRequest)[] = [];
  /** Set to make every request and change fail with it. */
  failure: Error | undefined;
  isReady = true;
  private waiting = 0;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: FakeHostOptions = {}) {
    for (let i = 1; i <= 20; i++) this.items.set(String(i), { title: `item ${i}`, price: i });
  }

  recommend(request: RecommendRequest, version?: string): Promise<RecommendAnswer> {
    return this.work(request, version, () => {
      const chosen = [...this.items.keys()].slice(0, request.k ?? 10);
      return {
        ...this.base(request),
        items: chosen.map((item, i) => ({ item, score: 1 - i / 8, phase: 'prerank' as const })),
        ...(request.explain && {
          explain: [
            {
              phase: 'retrieve' as const,
              items: [...this.items.keys()],
              scores: Float32Array.from(this.items.keys(), (_, i) => -i),
              kept: this.items.size,
            },
            {
              phase: 'prerank' as const,
              items: [...this.items.keys()],
              scores: Float32Array.from(this.items.keys(), (_, i) => 1 - i / 8),
              kept: 12,
            },
          ],
        }),
      };
    });
  }

  rank(request: RankRequest, version?: string): Promise<RankAnswer> {
    return this.work(request, version, () => {
      const { candidates } = request;
      if (candidates.length > DEFAULT_LIMITS.candidates) {
        throw new TwoTowerError('USAGE', `candidates: ${candidates.length} keys, at most ${DEFAULT_LIMITS.candidates}`);
      }
      const score = (key: Key) => (this.items.has(String(key)) ? Number(key) / 3 : -1);
      const scores = Array.from(candidates as Key[], score);
      const order = scores.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
      const cut = order.slice(0, request.k);
      return {
        ...this.base(request),
        phase: 'prerank',
        order: Uint32Array.from(cut),
        scores: Float32Array.from(cut, (i) => scores[i]!),
        unknown: scores.filter((value) => value < 0).length,
      };
    });
  }

  async putItems(rows: readonly ItemRow[]): Promise<ChangeReport> {
    this.fail();
    for (const { key, values } of rows) this.items.set(String(key), values);
    return { applied: rows.length, ignored: 0 };
  }

  async deleteItems(keys: readonly Key[]): Promise<ChangeReport> {
    this.fail();
    return counted(keys, (key) => this.items.delete(String(key)));
  }

  async putUsers(rows: readonly UserRow[]): Promise<ChangeReport> {
    this.fail();
    for (const { key, values } of rows) this.users.set(String(key), values);
    return { applied: rows.length, ignored: 0 };
  }

  async deleteUsers(keys: readonly Key[]): Promise<ChangeReport> {
    this.fail();
    return counted(keys, (key) => this.users.delete(String(key)));
  }

  async addEvents(events: readonly FeedbackEvent[]): Promise<ChangeReport> {
    this.fail();
    this.events.push(...events);
    return { applied: events.length, ignored: 0 };
  }

  turnsAway(): boolean {
    return this.waiting > (this.options.queue ?? Number.POSITIVE_INFINITY);
  }

  item(key: Key) {
    const values = this.items.get(String(key));
    return values === undefined ? undefined : { key: String(key), values };
  }

  user(key: Key) {
    const values = this.users.get(String(key));
    if (values === undefined) return undefined;
    const mine = this.events.filter(({ user }) => String(user) === String(key));
    const clicks = mine.map(({ item, time }) => ({ item: String(item), time: time ?? Number.NEGATIVE_INFINITY }));
    return { key: String(key), values, histories: { clicks } };
  }

  live() {
    const stats: EngineStats = {
      version: this.info.id,
      requests: { recommend: 0, rank: this.asked.length },
      refused: 0,
      failed: 0,
      degraded: { retrieve: 0, prerank: 0, rank: 0 },
      cache: { hits: 3, misses: 1, size: 1 },
      workersBusyMs: 1500,
      queued: this.waiting,
      running: this.waiting > 0 ? 1 : 0,
      items: this.items.size,
      users: this.users.size,
      predictedMs: {},
    };
    return this.isReady ? [{ info: this.info, share: 1, stats }] : [];
  }

  refused() {
    return [];
  }

  ready(): boolean {
    return this.isReady;
  }

  async refresh() {
    return { changed: false };
  }

  async close(): Promise<void> {
    await this.turn;
  }

  get info(): VersionInfo {
    const phase = { model: 'toy', budgetMs: undefined, rerank: false, metrics: { auc: 0.75 } };
    return {
      id: this.options.version ?? 'v1',
      created: '2026-01-01T00:00:00.000Z',
      dataset: 'toy',
      phases: [
        { phase: 'retrieve', keep: 20, ...phase },
        { phase: 'prerank', keep: 12, ...phase },
      ],
      items: this.items.size,
      users: this.users.size,
      itemColumns: ['title', 'price'],
      userColumns: ['age'],
      contextColumns: ['surface'],
      histories: [{ name: 'clicks', positive: 'click', maxLength: 20 }],
    };
  }

  private async work<T>(
    request: RecommendRequest | RankRequest,
    version: string | undefined,
    answer: () => T,
  ): Promise<T> {
    this.fail();
    if (version !== undefined && version !== this.info.id)
      throw new TwoTowerError('USAGE', `version "${version}" is not live`);
    const { workMs = 0, held, queue = DEFAULT_LIMITS.queue } = this.options;
    if (this.waiting > queue) throw new TwoTowerError('SERVING_OVERLOADED', `${this.waiting} requests wait`);
    this.asked.push(request);
    this.waiting++;
    const before = this.turn;
    const mine = (async () => {
      await before;
      await held;
      if (workMs > 0) await new Promise((done) => setTimeout(done, workMs));
    })();
    this.turn = mine;
    await mine;
    this.waiting--;
    return answer();
  }

  private base({ user }: { user?: Key }) {
    return {
      version: this.info.id,
      phases: [
        { phase: 'retrieve' as const, in: this.items.size, kept: 20, ms: 0.5 },
        { phase: 'prerank' as const, in: 20, kept: 12, ms: 0.25 },
      ],
      degraded: [],
      userKnown: user !== undefined && this.users.has(String(user)),
      timing: { queueMs: 0.1, totalMs: 1 },
    };
  }

  private fail(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}

function counted(keys: readonly Key[], apply: (key: Key) => boolean): ChangeReport {
  const applied = keys.filter(apply).length;
  return { applied, ignored: keys.length - applied };
}
