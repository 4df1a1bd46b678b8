import type { Dataset } from '../../../data/dataset.js';
import { onRanks } from '../../../distributed/testing/lockstep.js';
import type { ModelParts } from '../../../models/contract.js';
import type { TrainingOptions } from '../../config.js';
import type { TrainingData } from '../../set-up.js';
import { Trainer } from '../../trainer.js';
import type { StepReport, Training } from '../../training.js';
import { RankTrainer } from '../rank-trainer.js';

export interface Trained {
  reports: StepReport[];
  /** Every array a checkpoint would hold. */
  arrays: Map<string, Float32Array>;
  /** Places that every rank computes whole. */
  repeated: string[];
}

/** What is trained, and how far. */
export interface Course {
  parts: ModelParts;
  dataset: Dataset;
  options: TrainingOptions;
  steps: number;
  data?: TrainingData;
}

/** The outcome of one process. */
export async function trainAlone({ parts, dataset, options, steps, data }: Course): Promise<Trained> {
  const trainer = await Trainer.create(parts, dataset, options, { threads: 1 }, data);
  const result = await run(trainer, steps);
  await trainer.release();
  return { ...result, repeated: [] };
}

/** The outcome of several ranks within this process. */
export async function trainOnRanks({ parts, dataset, options, steps, data }: Course, size: number): Promise<Trained> {
  const [first] = await onRanks(size, async (ranks) => {
    const trainer = await RankTrainer.create(ranks, parts, dataset, options, { threads: 1 }, data);
    let result: Trained | undefined;
    if (ranks.rank > 0) await trainer.follow();
    else {
      result = { ...(await run(trainer, steps)), repeated: trainer.graph.repeated };
      await trainer.end();
    }
    await trainer.release();
    return result;
  });
  return first!;
}

async function run(trainer: Training, steps: number): Promise<Omit<Trained, 'repeated'>> {
  const reports: StepReport[] = [];
  for (let i = 0; i < steps; i++) reports.push(await trainer.next());
  await trainer.collect();
  const arrays = [...trainer.store.arrays()].map(([name, { data }]) => [name, data.slice()] as const);
  return { reports, arrays: new Map(arrays) };
}

/** The largest difference between two outcomes, in what they report and in what they learned. */
export function apart(a: Trained, b: Trained): { reports: number; arrays: number } {
  let reports = a.reports.length === b.reports.length ? 0 : Number.POSITIVE_INFINITY;
  a.reports.forEach((report, i) => {
    for (const name of Object.keys(report)) reports = Math.max(reports, distance(report[name]!, b.reports[i]![name]!));
  });
  let arrays = a.arrays.size === b.arrays.size ? 0 : Number.POSITIVE_INFINITY;
  for (const [name, values] of a.arrays) {
    const others = b.arrays.get(name)!;
    values.forEach((value, i) => {
      arrays = Math.max(arrays, distance(value, others[i]!));
    });
  }
  return { reports, arrays };
}

/** Absolute up to 1, relative above; NaN is far from everything. */
function distance(a: number, b: number): number {
  const difference = Math.abs(a - b) / Math.max(1, Math.abs(a));
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
}
