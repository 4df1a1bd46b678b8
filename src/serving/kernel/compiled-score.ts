import type { View } from './views.js';

/** Candidates that are computed side by side, one in each float of a vector. */
export const SIDE_BY_SIDE = 4;
/** Candidates that are copied before they are scored: they and what is computed of four of them stay in the nearest caches. */
export const TOGETHER = 16;

/** Where the states of a request and the rows of items are put, and the logits found. */
export interface ScoreLayout {
  user: { name: string; view: View }[];
  /** Rows of items: of what lies in the states from `first` on `read` values, in rows of `width`. */
  rows: number;
  first: number;
  read: number;
  width: number;
  logits: number;
}

/** A score part as code, before there is a memory for it. */
export interface CompiledScore {
  bytes: Uint8Array<ArrayBuffer>;
  layout: ScoreLayout;
  constants: { at: number; values: ArrayLike<number> }[];
}
