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

/** Why what is served may be older than what is stored; only where state is shared with other servers. */
export interface Stale {
  /**
   * - `unreachable`: the shared state does not answer; the last known one is served;
   * - `lost`: it answers and does not hold what was read from it before; the last known one is served;
   * - `behind`: for more than a second there have been changes in it that are not applied here yet.
   */
  reason: 'unreachable' | 'lost' | 'behind';
  /** Seconds since 1970. */
  since: number;
  /** For people. */
  detail: string;
}

/** What both kinds of answers say. */
export interface AnswerBase {
  /** Id of the version that answered, all of it. */
  version: string;
  phases: PhaseReport[];
  /** Empty where every phase ran that should. */
  degraded: Degraded[];
  /** Present where items and users may have changed since. */
  stale?: Stale;
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
