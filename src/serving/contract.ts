import type { RawRecord } from '../data/featurizer.js';
import type { Asker, Key, Phase, RankAnswer, RankRequest, RecommendAnswer, RecommendRequest } from './requests.js';

/**
 * The engine and the host that serves a store with it, as everything around them (HTTP, the stores, the funnel log) sees them.
 * What they are asked and what they answer stands in `requests.ts`.
 */
export * from './requests.js';

/** An item as it is put: its key and raw columns. It replaces what was known under the key, whole. */
export interface ItemRow {
  key: Key;
  /** Raw columns by name, fields and display alike. */
  values: RawRecord;
}

export interface UserRow {
  key: Key;
  /** Raw columns by name; they replace what was known, whole. The histories stay. */
  values: RawRecord;
}

/** Feedback on an item. */
export interface FeedbackEvent {
  user: Key;
  item: Key;
  /** Now unless given. */
  time?: number;
  /** Feedback columns of the dataset: 0/1 or graded. Those a history remembers lengthen it where they are above zero. */
  feedback: Record<string, number>;
}

/** What came of a change. */
export interface ChangeReport {
  /** Rows taken over. Applying a change twice is the same as once, so that a log may be replayed. */
  applied: number;
  /** Rows without effect: unknown keys of a deletion, events that no history remembers or that were there already. */
  ignored: number;
}

export interface CatalogueItem {
  key: string;
  /** Raw and display columns. */
  values: Record<string, unknown>;
}

export interface StoredUser {
  key: string;
  values: Record<string, unknown>;
  /** By name of the history, oldest first; time -Infinity where only the order is known. */
  histories: Record<string, { item: string; time: number }[]>;
}

/** What a version is, from its manifest. */
export interface VersionInfo {
  id: string;
  /** ISO 8601 */
  created: string;
  dataset: string;
  phases: {
    phase: Phase;
    /** Name of the model, such as `ranktower`. */
    model: string;
    /** How many items the phase keeps unless a request says otherwise. */
    keep: number;
    /** Milliseconds unless a request allows less; undefined: no limit. */
    budgetMs: number | undefined;
    /** Whether the model re-ranks the list as a whole. */
    rerank: boolean;
    /** The run's offline metrics on its test part, by name, where it has them. */
    metrics: Record<string, number>;
  }[];
  items: number;
  users: number;
  /** Columns that filters and display may name. */
  itemColumns: string[];
  userColumns: string[];
  contextColumns: string[];
  histories: { name: string; positive: string; maxLength: number }[];
}

export interface EngineLimits {
  /** Candidates of one `rank`. */
  candidates: number;
  /** Items one `recommend` may ask for. */
  k: number;
  /** Keys in `include` and `exclude` together, and conditions in `where`. */
  filterKeys: number;
  predicates: number;
  /** Requests that wait for a worker; one more is refused with SERVING_OVERLOADED. */
  queue: number;
  /** User states that are kept. */
  userStates: number;
}

export const DEFAULT_LIMITS: EngineLimits = {
  candidates: 10_000,
  k: 1_000,
  filterKeys: 10_000,
  predicates: 16,
  queue: 64,
  userStates: 10_000,
};

/** Numbers that only grow, but for those said to be gauges; for metrics. */
export interface EngineStats {
  version: string;
  requests: { recommend: number; rank: number };
  refused: number;
  failed: number;
  degraded: Record<Phase, number>;
  cache: { hits: number; misses: number; size: number };
  /** Milliseconds in which its worker threads did something. */
  workersBusyMs: number;
  /** Gauges. */
  queued: number;
  running: number;
  items: number;
  users: number;
  /** Predicted milliseconds of each phase at the number of items it has by default; gauges, undefined before the first run. */
  predictedMs: Partial<Record<Phase, number>>;
}

/** A user and the context of a request, for whom a phase's state is kept. */
export interface Visitor extends Pick<Asker, 'user' | 'context'> {
  phase: Phase;
}

/** One version, ready to answer. All methods may be called at once; answers are of one state of items and users each. */
export interface Engine {
  readonly info: VersionInfo;
  readonly limits: EngineLimits;
  /**
   * @param isWanted asked before a request that had to wait for a worker is begun; where nobody waits for the answer it is dropped
   * @throws TwoTowerError USAGE for what a request may not say (each message names the key), SERVING_OVERLOADED when the queue is
   * full, SERVING_CLOSED after `close`
   */
  recommend(request: RecommendRequest, isWanted?: () => boolean): Promise<RecommendAnswer>;
  /** @throws as `recommend` */
  rank(request: RankRequest, isWanted?: () => boolean): Promise<RankAnswer>;
  /** Encodes items with the item parts; they are retrievable when the promise resolves. A key twice: the last one counts. */
  putItems(items: readonly ItemRow[]): Promise<ChangeReport>;
  deleteItems(keys: readonly Key[]): Promise<ChangeReport>;
  putUsers(users: readonly UserRow[]): Promise<ChangeReport>;
  deleteUsers(keys: readonly Key[]): Promise<ChangeReport>;
  addEvents(events: readonly FeedbackEvent[]): Promise<ChangeReport>;
  item(key: Key): CatalogueItem | undefined;
  user(key: Key): StoredUser | undefined;
  stats(): EngineStats;
  /** Whether a request would be refused because as many wait as may. */
  isFull(): boolean;
  /** Counts one that was turned away for that before anybody had read it. */
  countRefused(): void;
  /** Users whose states were used last, last first: whoever came last comes again soonest. */
  visitors(most: number): Visitor[];
  /** Computes the states of visitors of another version, so that their next requests find them; before it answers. */
  expect(visitors: readonly Visitor[]): Promise<void>;
  /** Refuses new requests, lets those under way finish, then frees workers and memory. */
  close(): Promise<void>;
}

/** A version that could not be served. */
export interface RefusedVersion {
  version: string;
  code: string;
  reason: string;
  /** ISO 8601 */
  at: string;
}

export interface TrafficShare {
  version: string;
  /** Share of users, over 0 to 1; the shares of all versions sum to 1. */
  share: number;
}

/**
 * Serves a store: one or two versions at once, swapped while requests run. Requests and changes as in `Engine`; a request is
 * answered wholly by the version its user falls to, and changes reach every version, those being loaded included.
 */
export interface EngineHost
  extends Pick<Engine, 'putItems' | 'deleteItems' | 'putUsers' | 'deleteUsers' | 'addEvents' | 'item' | 'user'> {
  /** Whether a request is turned away, and counted, before anybody has read it, because every version would refuse it. */
  turnsAway(): boolean;
  /** @param version asks a certain one of the versions live, for side-by-side views; @throws USAGE where it is not live */
  recommend(request: RecommendRequest, version?: string, isWanted?: () => boolean): Promise<RecommendAnswer>;
  rank(request: RankRequest, version?: string, isWanted?: () => boolean): Promise<RankAnswer>;
  /** Versions that answer, with their share of the users, the current one first. */
  live(): { info: VersionInfo; share: number; stats: EngineStats }[];
  /** Versions that were tried and refused, the latest last; bounded. */
  refused(): RefusedVersion[];
  /** Whether the current version is loaded and warm. */
  ready(): boolean;
  /**
   * Brings the host to what the store's pointer says now: loads, checks and warms what is not live, then changes over. Never
   * throws for a bad version: the ones before go on, and `refused()` says why.
   */
  refresh(): Promise<{ changed: boolean; refused?: RefusedVersion }>;
  close(): Promise<void>;
}
