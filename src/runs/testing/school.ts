import { join } from 'node:path';
import type { Dataset } from '../../data/dataset.js';
import type { RunInput } from '../config.js';
import type { RunEvent } from '../events.js';
import { openRun, type Run } from '../open.js';
import { readConfig } from '../read-config.js';
import { trainRun } from '../train.js';
import { toyFolder } from './toy.js';

export type Training = NonNullable<RunInput['training']>;

/** The toy log, and a run over it that may teach others. */
export interface School {
  toy: Awaited<ReturnType<typeof toyFolder>>;
  dataset: Dataset;
  teacher: Run;
  close(): Promise<void>;
}

export async function openSchool(): Promise<School> {
  const toy = await toyFolder();
  const { dataset, folder } = await trainRun(readConfig(toy.config), { out: join(toy.folder, 'teacher') });
  const teacher = await openRun(folder);
  return {
    toy,
    dataset,
    teacher,
    async close() {
      await teacher.release();
      await toy.remove();
    },
  };
}

/** A student of the teacher, or of the log alone. */
export async function student(
  { toy, dataset, teacher }: School,
  out: string,
  training: Training,
  { taught = true, resume = false } = {},
) {
  const events: RunEvent[] = [];
  const result = await trainRun(
    {
      data: join(toy.folder, 'data/dataset.yaml'),
      model: { name: 'dssm', embedding: 4, towers: [8], width: 4 },
      training: {
        epochs: 6,
        batchSize: 128,
        learningRate: 0.02,
        validation: { patience: 6 },
        ...(taught && { teacher: { run: teacher.folder } }),
        ...training,
      },
      evaluation: { ks: [5] },
      threads: 1,
    },
    { out: join(toy.folder, out), dataset, resume, onEvent: (event) => events.push(event) },
  );
  return { ...result, events };
}
