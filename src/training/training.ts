import type { ParameterStore } from './parameter-store.js';

/** Scalars that a step reports: `loss`, `gradientNorm`, `loss.NAME`, `metric.NAME`. */
export type StepReport = Record<string, number>;

/** A training in steps, by one process or by several. */
export interface Training {
  /** Steps done. */
  readonly step: number;
  /** Pairs of the last step. */
  readonly pairs: number;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  /** All that is learned; with several processes what it holds of the tables is as old as the last `collect`. */
  readonly store: ParameterStore;
  /** Runs the next step. The batches after it are prepared meanwhile. @throws TRAIN_DIVERGED */
  next(): Promise<StepReport>;
  /** Brings the store up to date. */
  collect(): Promise<void>;
  /** Continues after `step` with the values that were put into the store. */
  restore(step: number): Promise<void>;
  /** Whether a step reads this feed. */
  reads(feed: string): boolean;
  /** Training is over; processes that only follow may go. */
  end(): Promise<void>;
  release(): Promise<void>;
}
