import type { Schema } from '../schema.js';

/** One feature of every row of a table, encoded. The feature's entry in the schema says which kind it is. */
export type EncodedColumn =
  | { encoding: 'id'; rows: Int32Array }
  /** `rows` is [n, maxLength], left-aligned and zero-padded; `lengths` is [n]. */
  | { encoding: 'ids'; rows: Int32Array; lengths: Int32Array; maxLength: number }
  /** `values` is [n, width]. */
  | { encoding: 'numbers'; values: Float32Array; width: number };

/** The users, the items, or the context columns of the events: one encoded column per feature. */
export interface EntityTable {
  count: number;
  columns: Map<string, EncodedColumn>;
}

/** A table of users or items, whose rows are found by their key. Row 0 stands for every unknown key: all features unknown. */
export interface KeyedTable extends EntityTable {
  /** Keys as strings; `keys[0]` is the empty string of the unknown row. */
  keys: string[];
  /** Raw columns that name an item or user for people (titles, tags), by column name; not features. */
  display: Map<string, (string | null)[]>;
}

/**
 * Exposures in time order (ties in file order). Where the log names stages, also what requests considered and did not show:
 * such rows have no feedback (zeros), and `Dataset.splits` leaves them out.
 */
export interface EventTable {
  count: number;
  /** Row in the user table. */
  user: Int32Array;
  /** Row in the item table. */
  item: Int32Array;
  /** Seconds since 1970; whole or fractional. */
  time: Float64Array;
  /** Feedback columns by name: 0/1 or a graded value. */
  feedback: Map<string, Float32Array>;
  /** How far each event came: index into `Dataset.stages`. */
  stage: Uint8Array;
  /** Scores that the log brings along, by column name, NaN where it has none; never features. */
  scores?: Map<string, Float32Array>;
  /** Requests as numbered by the log; absent when the log names none. */
  request?: Int32Array;
  context: EntityTable;
}

/**
 * Every user's positive events of one history, in time order: user u owns positions `offsets[u]` to `offsets[u + 1]`.
 * Built once; a sample's history is the part of its user's run strictly before the sample's time.
 */
export interface HistoryLog {
  name: string;
  maxLength: number;
  /** [users + 1] */
  offsets: Uint32Array;
  /** Row in the item table. */
  item: Int32Array;
  /** Seconds since 1970; -Infinity where the source tells the order but not the time. */
  time: Float64Array;
}

export type SplitName = 'train' | 'validation' | 'test';

export interface Dataset {
  name: string;
  schema: Schema;
  users: KeyedTable;
  items: KeyedTable;
  events: EventTable;
  histories: HistoryLog[];
  /** The feedback column that training predicts. */
  label: string;
  /** Names of how far an item came, in ascending order; 0 is what was never more than a part of the corpus. */
  stages: string[];
  /** The first of `stages` that means "the user saw it". */
  shown: number;
  /** Row numbers in `events` of what was shown, ascending. */
  splits: Record<SplitName, Uint32Array>;
  /** Row numbers in `events` of what was considered and never shown, ascending; absent where the log has none. */
  unshown?: Record<SplitName, Uint32Array>;
  /** Folder with the truth of a generated log: see `openTruth`. */
  truth?: string;
  /** Everything fitted on the training part, as JSON, enough to encode raw values later: see `featurizer.ts`. */
  encoders: EncoderState;
  /** SHA-256 over the dataset description and the source files: what the vocabularies rest on. */
  hash: string;
  /**
   * The same without the split: datasets with one `logHash` have the same rows of users, items and events, whatever part of
   * them each was fitted on.
   */
  logHash: string;
  /** Bad rows of the source files that were left out. */
  skippedRows?: number;
  /** The whole log, where `events`, `histories` and `splits` are one window of it: see `stream/`. */
  stream?: EventStream;
}

/**
 * A log that lies on the disk in windows, any of which makes an ordinary dataset (`openWindow`). A window holds all events of its
 * users, so that histories and requests are whole in it. Plain data, which may be sent to another thread.
 */
export interface EventStream {
  folder: string;
  windows: WindowSize[];
  /** Training events per item row, of the whole log. */
  itemCounts: Uint32Array;
  /** Levels that training events came to. */
  trainedStages: number[];
  /** Feedback that is 0 or 1 in every event. */
  binary: string[];
  /** Time of the last event of training and validation, in seconds since 1970. */
  seenUntil: number;
}

/** Events in a window, and what was shown of them in each part. */
export interface WindowSize extends Record<SplitName, number> {
  events: number;
}

/** Serialisable state of all encoders: vocabularies, bucket edges, means; keyed `owner.feature`. */
export interface EncoderState {
  version: 1;
  fields: FieldEncoderState[];
  vocabularies: Record<string, VocabularyState>;
}

export interface FieldEncoderState {
  name: string;
  owner: 'user' | 'item' | 'context';
  /** The field kind as in the dataset description; the registry of kinds knows how to encode with `state`. */
  kind: string;
  column: string;
  state: Record<string, unknown>;
}

/** `values[i]` has row i + 1; row 0 is the unknown value. */
export interface VocabularyState {
  values: string[];
  /** Training events in which each value occurred, the unknown first: [values + 1]. */
  counts: number[];
}
