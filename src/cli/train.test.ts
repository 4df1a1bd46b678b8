import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testing/folder.js';
import { planOf } from './train.js';

test("--teacher names a run and leaves the configuration's other keys of the teacher, unless it is a score column", async () => {
  const file = join(await temporaryFolder(), 'config.yaml');
  const teacherOf = async (said: string) => {
    await writeFile(file, `data: kuairand-pure\nmodel: { name: dssm }\ntraining: { teacher: ${said} }\n`);
    return (await planOf(file, { teacher: 'other' })).config.training.teacher;
  };
  expect(await teacherOf('{ run: ranker, vectors: { item: vector } }')).toEqual({
    run: resolve('other'),
    vectors: { item: 'vector' },
  });
  expect(await teacherOf('{ column: score }')).toEqual({ run: resolve('other') });
  await writeFile(file, 'data: kuairand-pure\nmodel: { name: dssm }\n');
  expect((await planOf(file, { teacher: 'other' })).config.training.teacher).toEqual({ run: resolve('other') });
});
