import type { RowCodes } from '../../cascade/index/row-codes.js';
import type { Feeds } from '../../schema.js';
import type { Degraded, Phase, PhaseReport } from '../contract.js';
import type { CompiledScore } from '../kernel/compiled-score.js';
import type { PhaseManifest } from '../manifest.js';
import type { Failure } from './failure.js';
import type { SharedStates } from './item-states.js';

/** What crosses between the engine's thread and its workers. Times are milliseconds since 1970, fractional. */

/** One phase of a version: its files, and what of them is in memory that all threads see. */
export interface PhaseRecipe {
  manifest: PhaseManifest;
  folder: string;
  states: SharedStates;
  /** The score part as one function, where it can be. */
  score?: CompiledScore | undefined;
  /** The codes of the item vectors, where all are searched; of use as long as there are no other rows than the version's own. */
  codes?: RowCodes | undefined;
}

/** What a worker makes a version of. */
export interface WorkerRecipe {
  phases: PhaseRecipe[];
  /** Rows of the catalogue, and which of them are items, by row. */
  rows: number;
  alive: Uint8Array;
  /** Threads of one session. */
  threads: number;
  /** Whether nothing is loaded but what scores given candidates of users whose state is known. */
  onlyScores?: boolean;
}

/** Which items retrieval may find. */
export interface Search {
  /** By row, 0 = not; shared memory. Every row when absent. */
  allow?: Uint8Array;
  /** Only these rows, each once: all of them are scored. */
  only?: Int32Array;
  exclude: Int32Array;
}

export interface JobPhase {
  phase: Phase;
  /** The user's part: feeds to run, or the state where it is kept. */
  user: { feeds: Feeds } | { state: Feeds };
  /** How many go on to the next phase. */
  keep: number;
  budgetMs: number | undefined;
}

/** One request. */
export interface Job {
  arrived: number;
  deadline: number | undefined;
  /** In the order of the cascade; retrieval first where there is a `search`. */
  phases: JobPhase[];
  search?: Search;
  /** Rows to score, where nothing is retrieved; may hold duplicates and the unknown row 0. */
  candidates?: Int32Array;
  /** Rows wanted. */
  k: number;
  explain: boolean;
}

export interface JobTrace {
  phase: Phase;
  /** As in `JobResult.found`. */
  found: Int32Array;
  scores: Float32Array;
  kept: number;
}

export interface JobResult {
  queueMs: number;
  /** Rows (of a search) or positions among the candidates, best first. */
  found: Int32Array;
  scores: Float32Array;
  /** How many of them, from the first, each phase has scored; those behind were scored by a phase before only. */
  reached: { phase: Phase; count: number }[];
  reports: PhaseReport[];
  degraded: Degraded[];
  traces: JobTrace[];
  /** User states that were computed. */
  states: Partial<Record<Phase, Feeds>>;
  /** Predicted milliseconds of each phase as it was asked for here. */
  predictedMs: Partial<Record<Phase, number>>;
}

/** A change of the catalogue that is made between two jobs. */
export interface RowChange {
  /** Rows of the catalogue after it. */
  rows: number;
  on: Int32Array;
  off: Int32Array;
}

export type ToWorker =
  /** Loads a version; what is asked next is asked of it. */
  | { id: number; type: 'open'; recipe: WorkerRecipe }
  | { id: number; type: 'job'; job: Job }
  /** Runs the item parts and writes the rows of the shared states. */
  | { id: number; type: 'encode'; rows: Int32Array; feeds: Partial<Record<Phase, Feeds>> }
  | { id: number; type: 'change'; change: RowChange }
  | { id: number; type: 'grow'; states: Partial<Record<Phase, SharedStates>> }
  /** Frees the version: the worker waits for another one. */
  | { id: number; type: 'stop' };

export type FromWorker = { id: number; result: unknown } | { id: number; failure: Failure };
