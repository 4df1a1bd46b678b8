import type { Settle } from './settle.js';

/** How much is done to measure a machine. */
export interface Effort {
  /** Rounds of a stage before it is measured: until then the service is interpreted and compiled. */
  settle: Settle;
  /** Rounds that are measured, the middle one of which counts. */
  rounds: number;
  /** Requests of one kind in a round that are sent side by side, for the processor time: short lists and long ones. */
  short: number;
  long: number;
  /** Requests of one kind that are sent one by one, for the clock. */
  alone: number;
  /** The same after pauses, whose mean is so many milliseconds: what sleeps in between has to wake up. */
  paused: number;
  pauseMs: number;
  /** Of requests that arrive at random, of one kind. */
  loadedSeconds: number;
  /** Rows that are searched one by one; rows that are linked; values of the array that fits in no cache. */
  scanRows: number;
  linkRows: number;
  farValues: number;
}

/** About a minute on a machine that does nothing else. */
export const USUAL_EFFORT: Effort = {
  settle: { most: 60, last: 10 },
  rounds: 5,
  short: 200,
  long: 48,
  alone: 60,
  paused: 600,
  pauseMs: 4,
  loadedSeconds: 15,
  scanRows: 100_000,
  linkRows: 6_000,
  farValues: 64 << 20,
};
