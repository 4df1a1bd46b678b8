import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Dataset } from '../data/dataset.js';
import { type CandidateFileRow, writeCandidateFile } from '../data/testing/candidate-file.js';
import { completeConfig, type RunInput } from './config.js';
import { loadRunData } from './data.js';
import type { RunEvent } from './events.js';
import { readConfig } from './read-config.js';
import { trainingData } from './teacher.js';
import { toyFolder } from './testing/toy.js';
import { trainRun } from './train.js';

let toy: Awaited<ReturnType<typeof toyFolder>>;
let dataset: Dataset;

beforeAll(async () => {
  toy = await toyFolder();
  const loaded = await loadRunData(readConfig(toy.config));
  const { count } = loaded.events;
  const scores = new Map([
    ['ranker', Float32Array.from({ length: count }, (_, row) => Math.sin(row))],
    ['empty', new Float32Array(count).fill(Number.NaN)],
  ]);
  // One that has scores after the training part alone.
  scores.set(
    'late',
    scores
      .get('ranker')!
      .slice()
      .fill(Number.NaN, 0, loaded.splits.train.at(-1)! + 1),
  );
  dataset = { ...loaded, events: { ...loaded.events, scores } };
});
afterAll(() => toy.remove());

type Training = NonNullable<RunInput['training']>;

const inputOf = (training: Training): RunInput => ({
  data: join(toy.folder, 'data/dataset.yaml'),
  model: { name: 'dssm', embedding: 4, towers: [8], width: 4 },
  training: { epochs: 1, batchSize: 256, ...training },
  evaluation: { ks: [5] },
  threads: 1,
});

/** The warnings of a run. */
async function train(out: string, training: Training, resume = false): Promise<string[]> {
  const warnings: string[] = [];
  const onEvent = (event: RunEvent) => event.type === 'warning' && warnings.push(event.message);
  await trainRun(inputOf(training), { out: join(toy.folder, out), dataset, resume, onEvent });
  return warnings;
}

test.each(['empty', 'late'])('a column without a score of what is trained on is refused: %s', async (column) => {
  for (const lists of [undefined, { impressions: 2, randoms: 1 }]) {
    const asked = trainingData(completeConfig(inputOf({ teacher: { column }, lists })), dataset, {
      out: join(toy.folder, 'any'),
      warn: () => {},
      onProgress: () => {},
    });
    await expect(asked).rejects.toMatchObject({
      code: 'DATA_VALUE',
      message: expect.stringContaining(`training.teacher.column: "${column}" has no score`),
    });
  }
});

test('a teacher that no objective learns from is told of', async () => {
  const teacher = { column: 'ranker' };
  expect(await train('idle', { teacher })).toEqual([expect.stringContaining('training.teacher: nothing reads')]);
  expect(await train('busy', { teacher, objectives: [{ loss: 'distill-pointwise' }] })).toEqual([]);
  const run = join(toy.folder, 'idle');
  const sides = { item: 'vector', user: 'vector' };
  const training: Training = {
    teacher: { run, vectors: sides },
    objectives: [{ loss: 'bce' }, { loss: 'distill-vectors' }],
  };
  expect(await train('vectors', training)).toEqual([
    expect.stringContaining('training.teacher.vectors.user: nothing reads'),
  ]);
});

test('a run is not resumed with other scores of the candidates', async () => {
  const mined = (score: string) => {
    const rows = [...dataset.splits.train].map((event): CandidateFileRow => {
      return [event, dataset.items.keys[1 + (event % 7)]!, 'candidate', 0, score];
    });
    return writeCandidateFile(join(toy.folder, 'mined.parquet'), rows, { dataHash: dataset.logHash, seenUntil: 0 });
  };
  const training: Training = {
    teacher: { column: 'ranker' },
    lists: { candidates: 2, candidateFile: await mined('0.5') },
    objectives: [{ loss: 'distill-pointwise' }],
  };
  await train('mined', training);
  await mined('0.25');
  await expect(train('mined', training, true)).rejects.toThrow('the lists are others than when the run was begun');
  await mined('0.5');
  await train('mined', training, true);
});
