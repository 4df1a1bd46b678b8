import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type CandidateFileRow, writeCandidateFile } from '../data/testing/candidate-file.js';
import { temporaryFolder } from '../testing/folder.js';
import { loadRunData } from './data.js';
import type { RunEvent } from './events.js';
import { readConfig } from './read-config.js';
import { digests } from './testing/checkpoint-bytes.js';
import { TOY_CONFIG, writeToy } from './testing/toy.js';
import { trainRun } from './train.js';

test('a run trains on lists with mined candidates, and goes on only with the same ones', {
  timeout: 240_000,
}, async () => {
  const folder = await temporaryFolder();
  const file = await writeToy(folder);
  const training = { ...TOY_CONFIG.training, negatives: undefined, batchSize: 64, checkpointEvery: undefined };
  const lists = { candidates: 3, candidateFile: 'mined.parquet', randoms: 4 };
  writeFileSync(file, stringify({ ...TOY_CONFIG, training: { ...training, epochs: 2, lists } }));
  const config = readConfig(file);
  expect(config.training.lists!.candidateFile).toBe(join(folder, 'mined.parquet'));
  expect(
    parse(stringify(readConfig(file, ['training.lists.candidateFile=x/mined.parquet']))).training.lists,
  ).toMatchObject({
    candidateFile: join(process.cwd(), 'x/mined.parquet'),
    candidates: 3,
  });

  const dataset = await loadRunData(config);
  const mine = (shift: number) => {
    const rows = [...dataset.splits.train].flatMap((event) =>
      [1, 2, 3].map((k): CandidateFileRow => {
        const item = dataset.items.keys[1 + ((event + k * shift) % (dataset.items.count - 1))]!;
        return [event, item, 'candidate', k, 'NULL'];
      }),
    );
    return writeCandidateFile(join(folder, 'mined.parquet'), rows, { dataHash: dataset.logHash, seenUntil: 0 });
  };
  await mine(5);
  const out = join(folder, 'whole');
  const begun: RunEvent[] = [];
  await trainRun(config, { out, onEvent: (event) => event.type === 'begin' && begun.push(event) });
  expect(begun).toMatchObject([{ lists: { stages: { candidate: expect.any(Number), corpus: expect.any(Number) } } }]);

  // Stopped, and gone on with: the same bytes.
  const stopped = join(folder, 'stopped');
  const stop = new AbortController();
  const onEvent = (event: RunEvent) => event.type === 'step' && event.step === 4 && stop.abort();
  await expect(trainRun(config, { out: stopped, onEvent, signal: stop.signal })).rejects.toMatchObject({
    code: 'RUN_INTERRUPTED',
  });
  await mine(7);
  await expect(trainRun(config, { out: stopped, resume: true })).rejects.toMatchObject({
    code: 'RUN_INVALID',
    message: expect.stringContaining('the lists are others'),
  });
  await mine(5);
  await trainRun(config, { out: stopped, resume: true });
  expect(digests(join(stopped, 'model'))).toEqual(digests(join(out, 'model')));
});
