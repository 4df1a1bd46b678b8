import type { RecommendAnswer, RecommendRequest } from '../contract.js';

/** One answered request, as it is taken down. */
export interface FunnelEntry {
  /** Of the answer; feedback that names it is joined exactly. */
  id: string;
  /** Seconds since 1970. */
  time: number;
  request: Omit<RecommendRequest, 'time'>;
  /** With `explain`. */
  answer: RecommendAnswer;
}

/** Takes down part of the requests. */
export interface FunnelRecorder {
  /** Whether this request is one of them: a matter of its id alone. */
  samples(id: string): boolean;
  /** Never throws and never waits: a log must not stand in the way of an answer. */
  record(entry: FunnelEntry): void;
}
