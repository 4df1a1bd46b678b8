import type { RawRecord } from '../data/featurizer.js';

/**
 * What the engine is asked and what it answers. Everything that serves (HTTP, the client, the dashboard, the funnel log) speaks
 * in these types; nothing here knows of a protocol.
 *
 * Keys: users and items are named by their key in the data. `7` and `"7"` are the same key. Times are seconds since 1970.
 *
 * Order: every list is by descending score; equal scores keep the order in which they came into the phase: that of the
 * catalogue (the item table of the data, then items in the order in which they were put) into retrieval, that of the phase
 * before into the following ones, that of the request into `rank`.
 */
export type Key = string | number | bigint;

/** The phases of the cascade, in their order. A version has one or more of them. */
export const PHASES = ['retrieve', 'prerank', 'rank'] as const;
export type Phase = (typeof PHASES)[number];

/** One earlier event of a user, told by the request. */
export interface PastEvent {
  /** The item's key, or its raw values where the catalogue need not know it. */
  item: Key | RawRecord;
  /** Seconds since 1970; before everything and of unknown lag where it is not given. */
  time?: number;
}

/** Who asks, and when. */
export interface Asker {
  /** The user's key. A user who is not in the store is an unknown user: never an error. */
  user?: Key;
  /** Raw columns of the user, by column name; they go before those of the store. */
  userFields?: RawRecord;
  /** Raw columns of the request's context. What is missing is unknown. */
  context?: RawRecord;
  /** When the request is made; now unless given. Histories end strictly before. */
  time?: number;
  /** Earlier events by the name of the history; each one given goes in place of the user store's. */
  histories?: Record<string, readonly PastEvent[]>;
}

/** A condition on one column of the items. Several conditions must all hold; an item without the value holds none but `exists: false`. */
export interface FieldPredicate {
  /** A raw or display column of the catalogue. */
  field: string;
  /** Of a list (multi-categorical) one of its values has to. */
  equals?: string | number | boolean;
  in?: readonly (string | number | boolean)[];
  notIn?: readonly (string | number | boolean)[];
  atLeast?: number;
  atMost?: number;
  above?: number;
  below?: number;
  exists?: boolean;
}

export interface ItemFilter {
  /** Only these items. Unknown keys are no items. */
  include?: readonly Key[];
  exclude?: readonly Key[];
  where?: readonly FieldPredicate[];
}

/** How much of the cascade a request runs. */
export interface PhaseControl {
  /** `false` switches a phase off (for retrieval: refused), `{ keep }` overrides how many items it keeps. */
  phases?: Partial<Record<Phase, boolean | { keep?: number }>>;
  /** Milliseconds for the whole request from its arrival on, waiting included: phases that do not fit any more are skipped. */
  budgetMs?: number;
  /** Whether the answer lists every item of every phase with its score. */
  explain?: boolean;
}

export interface RecommendRequest extends Asker, PhaseControl {
  /**
   * Items wanted; what the last phase keeps unless given. Where more are wanted than a phase orders, those it did not reach
   * follow in the order of the phase before.
   */
  k?: number;
  filter?: ItemFilter;
  /** Whether items of the user's histories may be recommended again; default false. */
  includeSeen?: boolean;
}

/** Candidate keys. Typed arrays hold keys that are whole numbers, for clients that send them as bytes. */
export type CandidateKeys = readonly Key[] | Int32Array | Uint32Array | Float64Array | BigInt64Array | BigUint64Array;

export interface RankRequest extends Asker, Omit<PhaseControl, 'phases'> {
  /** 0 to `limits.candidates` keys. Duplicates are scored alike and all returned; unknown ones are scored as the unknown item. */
  candidates: CandidateKeys;
  /** The phase whose model scores; the version's last one unless given. */
  phase?: Phase;
  /** How many are returned; all unless given. */
  k?: number;
}

/** A phase that a request should have had and did not get. */
export interface Degraded {
  phase: Phase;
  /**
   * - `budget`: the time it was predicted to take did not fit its budget or what was left of the request's;
   * - `failed`: its model gave something that is not a number.
   *
   * The order of the phase before was kept.
   */
  reason: 'budget' | 'failed';
  /** For people: the figures behind the reason. */
  detail: string;
}

/** What one phase did. */
export interface PhaseReport {
  phase: Phase;
  /** Items that came in (for retrieval: items that were searched) and that it kept. */
  in: number;
  kept: number;
  /** Milliseconds, the user part of its model included. */
  ms: number;
}

/** All items that came out of a phase's scoring, best first; of retrieval, those it kept. */
export interface PhaseTrace {
  phase: Phase;
  /** Keys. */
  items: string[];
  /** [items] */
  scores: Float32Array;
  /** The first so many went on to the next phase. */
  kept: number;
}

/** What both kinds of answers say. */
export interface AnswerBase {
  /** Id of the version that answered, all of it. */
  version: string;
  phases: PhaseReport[];
  /** Empty where every phase ran that should. */
  degraded: Degraded[];
  /** Whether the user store knew the user (or, without one, the vocabulary). */
  userKnown: boolean;
  timing: {
    /** Milliseconds in the queue before a worker took it. */
    queueMs: number;
    /** Milliseconds from arrival to answer. */
    totalMs: number;
  };
  /** Present with `explain`, in the order of the phases that ran. */
  explain?: PhaseTrace[];
}

export interface RecommendedItem {
  item: string;
  /** Logit of the phase reached. Scores of different phases are not comparable. */
  score: number;
  /** The last phase that scored this item. */
  phase: Phase;
}

export interface RecommendAnswer extends AnswerBase {
  /** Best first; fewer than k where the filter leaves fewer. */
  items: RecommendedItem[];
}

export interface RankAnswer extends AnswerBase {
  /** The phase whose model scored; undefined where it was skipped: then the order is that of the request, and scores are NaN. */
  phase: Phase | undefined;
  /** Positions in `candidates`, best first, [k]. */
  order: Uint32Array;
  /** Scores in that order, [k]. */
  scores: Float32Array;
  /** Candidates that the catalogue does not know. */
  unknown: number;
}

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
  /** Gauges. */
  queued: number;
  running: number;
  items: number;
  users: number;
  /** Predicted milliseconds of each phase at the number of items it has by default; gauges, undefined before the first run. */
  predictedMs: Partial<Record<Phase, number>>;
}

/** One version, ready to answer. All methods may be called at once; answers are of one state of items and users each. */
export interface Engine {
  readonly info: VersionInfo;
  readonly limits: EngineLimits;
  /**
   * @throws TwoTowerError USAGE for what a request may not say (each message names the key), SERVING_OVERLOADED when the queue is
   * full, SERVING_CLOSED after `close`
   */
  recommend(request: RecommendRequest): Promise<RecommendAnswer>;
  /** @throws as `recommend` */
  rank(request: RankRequest): Promise<RankAnswer>;
  /** Encodes items with the item parts; they are retrievable when the promise resolves. A key twice: the last one counts. */
  putItems(items: readonly ItemRow[]): Promise<ChangeReport>;
  deleteItems(keys: readonly Key[]): Promise<ChangeReport>;
  putUsers(users: readonly UserRow[]): Promise<ChangeReport>;
  deleteUsers(keys: readonly Key[]): Promise<ChangeReport>;
  addEvents(events: readonly FeedbackEvent[]): Promise<ChangeReport>;
  item(key: Key): CatalogueItem | undefined;
  user(key: Key): StoredUser | undefined;
  stats(): EngineStats;
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
  /** @param version asks a certain one of the versions live, for side-by-side views; @throws USAGE where it is not live */
  recommend(request: RecommendRequest, version?: string): Promise<RecommendAnswer>;
  rank(request: RankRequest, version?: string): Promise<RankAnswer>;
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
