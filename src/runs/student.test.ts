import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allItemStates, scoreEvents } from '../evaluation/evaluate.js';
import { openRun, type Run } from './open.js';
import { openSchool, type School, student } from './testing/school.js';

let school: School;
beforeAll(async () => {
  school = await openSchool();
});
afterAll(() => school.close());

/** Share of the pairs of test exposures that two runs order alike. */
async function agreementWithTeacher(folder: string): Promise<number> {
  const { dataset, teacher } = school;
  const run = await openRun(folder);
  const rows = dataset.splits.test;
  const scores = async ({ inference }: Run) =>
    scoreEvents(inference, dataset, rows, await allItemStates(inference, dataset));
  const [a, b] = [await scores(teacher), await scores(run)];
  await run.release();
  let alike = 0;
  let total = 0;
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < i; j++) {
      alike += (a[i]! - a[j]!) * (b[i]! - b[j]!) > 0 ? 1 : 0;
      total++;
    }
  }
  return alike / total;
}

/** Lines that training wrote. */
async function trainLines(folder: string): Promise<Record<string, number>[]> {
  const lines = (await readFile(join(folder, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  return lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'train');
}

describe('a student', () => {
  test('of single events orders as its teacher does, far more than one that learns from clicks', async () => {
    const distilled = await student(school, 'pointwise', { objectives: [{ loss: 'distill-pointwise' }] });
    const alone = await student(school, 'alone', {}, { taught: false });
    const agreement = await agreementWithTeacher(distilled.folder);
    expect(agreement).toBeGreaterThan(0.85);
    expect(agreement).toBeGreaterThan((await agreementWithTeacher(alone.folder)) + 0.1);
  });

  test('of lists too, and the log says how far they agree', async () => {
    const { folder } = await student(school, 'listwise', {
      lists: { impressions: 4, candidates: 0, randoms: 4 },
      batchSize: 32,
      objectives: [{ loss: 'distill-listwise' }, { loss: 'bce', weight: 0.1, warmup: 1 }],
    });
    const lines = await trainLines(folder);
    const last = lines.at(-1)!['metric.teacherAgreement']!;
    expect(last).toBeGreaterThan(0.8);
    expect(last).toBeGreaterThan(lines[0]!['metric.teacherAgreement']! + 0.1);
    expect(lines.at(-1)).toMatchObject({
      'loss.distill-listwise.1': expect.any(Number),
      'loss.bce.2': expect.any(Number),
    });
  });
});

test('a student of vectors has items where its teacher has them, up to a linear map', async () => {
  const { folder } = await student(school, 'vectors', {
    teacher: { run: school.teacher.folder, vectors: { item: 'vector', user: 'vector' } },
    objectives: [{ loss: 'bce' }, { loss: 'distill-vectors' }, { loss: 'distill-vectors', side: 'user' }],
  });
  const lines = await trainLines(folder);
  for (const name of ['loss.distill-vectors.2', 'loss.distill-vectors.3']) {
    expect(lines.at(-1)![name]!, name).toBeLessThan(0.6 * lines[0]![name]!);
  }
  // Serving knows nothing of the projections.
  const run = await openRun(folder);
  expect(run.inference.parameters.map(({ name }) => name).filter((name) => name.includes('projection'))).toEqual([]);
  await run.release();
  const unknown = student(school, 'unknown', { teacher: { run: school.teacher.folder, vectors: { item: 'vectr' } } });
  await expect(unknown).rejects.toThrow('the teacher has no state "vectr" of numbers\n  did you mean "vector"?');
});

test('a teacher that is needed and missing is an error, before there is a folder', async () => {
  const asked = student(school, 'missing', { objectives: [{ loss: 'distill-pointwise' }] }, { taught: false });
  await expect(asked).rejects.toThrow('objectives: distill-pointwise: there is no teacher');
  expect(await readdir(school.toy.folder)).not.toContain('missing');
});

test('a run is not resumed under another teacher', async () => {
  const objectives = [{ loss: 'distill-pointwise' as const }];
  const { folder } = await student(school, 'resumed', { objectives, epochs: 1 });
  const file = join(folder, 'run.json');
  const record = JSON.parse(await readFile(file, 'utf8'));
  expect(record.teacher).toMatch(/^[0-9a-f]{64}$/);
  await student(school, 'resumed', { objectives, epochs: 1 }, { resume: true });
  await writeFile(file, JSON.stringify({ ...record, teacher: 'another' }));
  await expect(student(school, 'resumed', { objectives, epochs: 1 }, { resume: true })).rejects.toThrow(
    'the teacher is another than when',
  );
});
