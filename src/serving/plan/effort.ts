/** How much is done to measure a machine. */
export interface Effort {
  /** Requests before anything is measured: until then the service is interpreted and compiled. */
  warmUp: number;
  /** Requests of one kind that are sent side by side, for the processor time: short lists and long ones. */
  short: number;
  long: number;
  /** Requests of one kind that are sent one by one, for the clock. */
  alone: number;
  /** Rows that are searched one by one; rows that are linked; values of the array that fits in no cache. */
  scanRows: number;
  linkRows: number;
  farValues: number;
}

/** Some seconds on a machine that does nothing else. */
export const USUAL_EFFORT: Effort = {
  warmUp: 1500,
  short: 500,
  long: 64,
  alone: 60,
  scanRows: 100_000,
  linkRows: 6_000,
  farValues: 64 << 20,
};
