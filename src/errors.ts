import { distance } from './suggest.js';

/**
 * Every failure a user can cause has one stable code. The first word says which room it comes from.
 * A message names the offending value and where it was found; `remedy` says what to do about it.
 */
export const ERROR_CODES = {
  GRAPH_SHAPE: 'tensors do not fit an operation',
  GRAPH_TYPE: 'a tensor has the wrong element type',
  GRAPH_PARAMETER: 'a parameter is defined twice or with two shapes',
  GRAPH_FEED: 'a session was fed the wrong tensors',
  CONFIG_INVALID: 'a configuration file does not validate',
  CONFIG_UNREADABLE: 'a configuration file cannot be read or is not YAML',
  S3_UNREACHABLE: 'a bucket does not answer, or a transfer broke off again and again',
  S3_REFUSED: 'a bucket answers that it does not do what was asked',
  DATA_SOURCE: 'a data file is missing or cannot be read',
  DATA_COLUMN: 'a column is missing or has the wrong type',
  DATA_VALUE: 'a value in a row is not usable',
  DATA_KEY: 'a key is duplicated or refers to nothing',
  DATA_SPLIT: 'a split is empty or overlaps another',
  DATA_DOWNLOAD: 'a download failed or has the wrong checksum',
  MODEL_UNKNOWN: 'no model of that name is registered',
  MODEL_OPTIONS: 'the options of a model do not fit the data',
  TRAIN_DIVERGED: 'training produced NaN or infinity',
  TRAIN_RANKS: 'several ranks cannot train this, or MPI cannot be used here',
  CHECKPOINT_DAMAGED: 'a checkpoint is truncated or altered',
  RUN_INVALID: 'a run folder is missing or incomplete',
  RUN_INTERRUPTED: 'training was stopped from outside; it can be resumed',
  SERVING_STORE: 'a store or one of its versions is missing, incomplete or damaged',
  SERVING_VERIFY: 'a version does not score as its runs do, so that it was not published',
  SERVING_OVERLOADED: 'more requests wait than the queue holds',
  SERVING_CLOSED: 'the engine is shutting down',
  SERVING_STATE: 'items, users or events could not be stored durably, or their store cannot be opened',
  SERVING_UNCONFIRMED: 'it is not known whether a change was stored',
  INDEX_DAMAGED: 'a retrieval index is truncated or altered',
  INDEX_ENGINE: 'the library of the approximate index cannot be loaded here',
  FILE_REFUSED: 'a path cannot be read or written: permission, or a file where a folder is needed',
  FILE_FAILED: 'the disk is full or fails',
  USAGE: 'a command was called wrongly',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error whose message is meant for the user: what was wrong, where, and what to do. */
export class TwoTowerError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, remedy?: string) {
    super(remedy === undefined ? message : `${message}\n  ${remedy}`);
    this.name = 'TwoTowerError';
    this.code = code;
    this.remedy = remedy;
  }
}

/** `did you mean "x"?` for a misspelled name, or the list of what there is. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const names = [...known];
  const ranked = names
    .map((candidate) => ({ candidate, edits: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  const nearest = ranked[0];
  if (nearest !== undefined && nearest.edits <= Math.max(2, Math.floor(name.length / 3))) {
    return `did you mean "${nearest.candidate}"?`;
  }
  return names.length === 0 ? 'there is none' : `known: ${names.join(', ')}`;
}
