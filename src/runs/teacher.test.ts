import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Dataset } from '../data/dataset.js';
import { generateDataset } from '../data/generate.js';
import { allItemStates, scoreEvents } from '../evaluation/evaluate.js';
import type { RunInput } from './config.js';
import { completeConfig } from './config.js';
import { openRun } from './open.js';
import { readConfig } from './read-config.js';
import { SCORE_CACHE } from './score-cache.js';
import { type Taught, trainingData } from './teacher.js';
import { openSchool, type School, type Training } from './testing/school.js';
import { trainRun } from './train.js';

let school: School;
let toy: School['toy'];
let dataset: School['dataset'];
let teacher: School['teacher'];
beforeAll(async () => {
  school = await openSchool();
  ({ toy, dataset, teacher } = school);
});
afterAll(() => school.close());

describe('scores of a teacher', () => {
  const inputs = (training: Training) =>
    completeConfig({
      data: 'x',
      model: { name: 'dssm' },
      training: { teacher: { run: teacher.folder }, ...training },
      threads: 1,
    });
  const folder = () => join(toy.folder, SCORE_CACHE);

  async function taught(training: Training = {}): Promise<Taught & { computed: boolean; warnings: string[] }> {
    let computed = false;
    const warnings: string[] = [];
    const result = await trainingData(inputs(training), dataset, {
      out: join(toy.folder, 'any'),
      warn: (message) => warnings.push(message),
      onProgress: (done) => {
        computed = done === 1;
      },
    });
    return { ...result, computed, warnings };
  }

  test('are those of evaluation, for the events of the training part alone', async () => {
    const { data } = await taught();
    const rows = dataset.splits.train;
    const wanted = await scoreEvents(teacher.inference, dataset, rows, await allItemStates(teacher.inference, dataset));
    // Blocks of other sizes may round the last digit otherwise.
    const gaps = Array.from(rows, (row, i) => Math.abs(data.teacher![row]! - wanted[i]!));
    expect(Math.max(...gaps)).toBeLessThan(1e-5);
    expect(data.teacher!.filter((score) => !Number.isNaN(score)).length).toBe(rows.length);
  });

  test('of lists are for all but the randoms, each in the request of its list', async () => {
    const lists = { impressions: 3, candidates: 0, randoms: 2 };
    const { samples } = (await taught({ lists })).data;
    const { teacher: scores, stage, logged, event } = samples!;
    const states = await allItemStates(teacher.inference, dataset);
    const single = await scoreEvents(
      teacher.inference,
      dataset,
      Uint32Array.from([...Array(dataset.events.count).keys()]),
      states,
    );
    let shown = 0;
    let randoms = 0;
    for (const [row, score] of scores!.entries()) {
      if (stage[row] === 0) {
        expect(score).toBeNaN();
        randoms++;
      } else {
        // The toy's requests have one context each, so that any event of a request speaks for it.
        expect(dataset.events.request![event[row]!]).toBe(dataset.events.request![logged[row]!]);
        expect(score).toBeCloseTo(single[logged[row]!]!, 5);
        shown++;
      }
    }
    expect(Math.min(shown, randoms)).toBeGreaterThan(100);
  });

  test('are computed once; what is damaged is computed again', async () => {
    const lists = { impressions: 2, candidates: 0, randoms: 1 };
    const before = new Set(await readdir(folder()));
    const first = await taught({ lists });
    expect(first.computed).toBe(true);
    const second = await taught({ lists });
    expect(second.computed).toBe(false);
    expect(second.data.samples!.teacher).toEqual(first.data.samples!.teacher);
    const [name] = (await readdir(folder())).filter((entry) => !before.has(entry));
    // Other samples are other scores.
    expect((await taught({ lists: { ...lists, randoms: 2 } })).computed).toBe(true);

    const file = join(folder(), name!);
    const content = await readFile(file);
    const altered = Buffer.from(content);
    altered[altered.length - 1]! ^= 1;
    for (const damaged of [altered, content.subarray(0, -4), Buffer.alloc(0)]) {
      await writeFile(file, damaged);
      const again = await taught({ lists });
      expect(again.computed).toBe(true);
      expect(again.warnings).toEqual([`${file} is damaged; its scores are computed again`]);
      expect(await readFile(file)).toEqual(content);
    }
  });

  test('may be a column of the log', async () => {
    const scored = { ...dataset, events: { ...dataset.events, scores: new Map() } };
    const column = Float32Array.from({ length: dataset.events.count }, (_, row) => (row % 2 === 0 ? row : Number.NaN));
    scored.events.scores.set('ranker', column);
    const ask = (name: string, training: Training = {}) =>
      trainingData(inputs({ ...training, teacher: { column: name } }), scored, {
        out: join(toy.folder, 'any'),
        warn: () => {},
        onProgress: () => {},
      });
    expect((await ask('ranker')).data.teacher).toBe(column);
    const { samples } = (await ask('ranker', { lists: { impressions: 3, randoms: 1 } })).data;
    for (const [row, event] of samples!.logged.entries()) {
      expect(samples!.teacher![row]).toEqual(event >= 0 && event % 2 === 0 ? event : Number.NaN);
    }
    await expect(ask('rankr')).rejects.toThrow('did you mean "ranker"?');
  });

  test('from other data are refused', async () => {
    const other = generateDataset({ events: 100 });
    const asked = trainingData(inputs({}), other, {
      out: join(toy.folder, 'any'),
      warn: () => {},
      onProgress: () => {},
    });
    await expect(asked).rejects.toMatchObject({ code: 'RUN_INVALID' });
  });

  test('may come from another split of the same log; what saw later events is told', async () => {
    const description = join(toy.folder, 'data/dataset.yaml');
    const early = await trainRun(
      {
        ...(readConfig(toy.config) as RunInput),
        data: { dataset: description, split: { train: 0.5, validation: 0.1 } },
        training: { epochs: 1, batchSize: 128 },
      },
      { out: join(toy.folder, 'early') },
    );
    expect(early.dataset.hash).not.toBe(dataset.hash);
    const run = await openRun(early.folder);
    const ask = (folder: string, data: RunInput['data'], known: Dataset, warn: (message: string) => void) =>
      trainingData(completeConfig({ data, model: { name: 'dssm' }, training: { teacher: { run: folder } } }), known, {
        out: join(toy.folder, 'any'),
        warn,
        onProgress: () => {},
      });
    const refuse = (message: string) => expect(message).toBe('');
    const { data } = await ask(early.folder, description, dataset, refuse);
    // Encoded with the teacher's own vocabularies.
    const rows = dataset.splits.train;
    const items = await allItemStates(run.inference, early.dataset);
    const wanted = await scoreEvents(run.inference, early.dataset, rows, items);
    const gaps = Array.from(rows, (row, i) => Math.abs(data.teacher![row]! - wanted[i]!));
    expect(Math.max(...gaps)).toBeLessThan(1e-5);
    await run.release();

    const warnings: string[] = [];
    const split = { train: 0.5, validation: 0.1 };
    await ask(teacher.folder, { dataset: description, split }, early.dataset, (message) => warnings.push(message));
    expect(warnings).toEqual([expect.stringContaining('saw later events than this run')]);
  });
});

test("a teacher's path starts from the configuration's folder, or from the working folder where it is assigned", async () => {
  const file = join(toy.folder, 'taught.yaml');
  const text = ['data: data/dataset.yaml', 'model: { name: dssm }', 'training: { teacher: { run: teacher } }'];
  await writeFile(file, `${text.join('\n')}\n`);
  expect(readConfig(file).training.teacher).toEqual({ run: join(toy.folder, 'teacher') });
  const assigned = readConfig(file, ['training.teacher={"run": "elsewhere"}']);
  expect(assigned.training.teacher).toEqual({ run: resolve('elsewhere') });
  expect(readConfig(file, ['training.teacher.run=elsewhere']).training.teacher).toEqual({ run: resolve('elsewhere') });
  expect(readConfig(file, ['training.teacher={"column": "score"}']).training.teacher).toEqual({ column: 'score' });
  expect(() => readConfig(file, ['training.teacher.column=score'])).toThrow('unknown key "column"');
});
