import type { LoadProgress } from '../data/load.js';
import type { EvaluationJson } from '../evaluation/report.js';

/** What a run tells while it goes on. */
export type RunEvent =
  | { type: 'loading'; progress: LoadProgress }
  /** The teacher scores what is trained on. */
  | { type: 'teaching'; done: number /** 0 to 1. */ }
  /** The data is read and the training graph built. */
  | {
      type: 'begin';
      samples: number;
      /** Where training goes over lists: how many, and their samples by stage. */
      lists?: { count: number; stages: Record<string, number> };
      parameters: number;
      step: number;
      totalSteps: number;
    }
  | {
      type: 'step';
      step: number;
      totalSteps: number;
      epoch: number;
      epochs: number;
      /** Mean since the last line of metrics.jsonl. */
      loss: number;
      samplesPerSecond: number;
      /** Until the last epoch ends, if validation does not stop it earlier. */
      secondsLeft: number;
    }
  | {
      type: 'validation';
      step: number;
      epoch: number;
      /** The one that decides. */
      metric: string;
      result: EvaluationJson;
      improved: boolean;
      finished: boolean;
    }
  | { type: 'evaluating'; split: string /** 0 to 1. */; done: number }
  | { type: 'warning'; message: string };
