import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderOf } from '../testing/folder.js';
import { readCandidates } from './candidates.js';
import type { Dataset } from './dataset.js';
import { generateDataset } from './generate.js';
import { type CandidateFileRow as Row, writeCandidateFile } from './testing/candidate-file.js';

const dataset: Dataset = {
  ...generateDataset({ users: 4, items: 5, events: 40 }),
  stages: ['corpus', 'retrieved', 'ranked', 'shown', 'click'],
  shown: 3,
};
const first = dataset.splits.train[0]!;
const second = dataset.splits.train.find((row) => dataset.events.time[row]! > dataset.events.time[first]!)!;
const test = dataset.splits.test[0]!;

const GOOD: Row[] = [
  [second, 'i4', 'retrieved', 3, 'NULL'],
  [first, 'i2', 'retrieved', 1, '-0.5'],
  [first, 'i1', 'ranked', 7, '2'],
  [first, 'i5', 'retrieved', 0, 'NULL'],
];

const ABOUT = { dataHash: dataset.logHash, seenUntil: 0 };
const write = (rows: Row[], about: object | string = ABOUT, column = 'teacher', type = 'DOUBLE') =>
  writeCandidateFile(join(folderOf({}), 'mined.parquet'), rows, about, column, type);

describe('readCandidates', () => {
  it('gives the rows of each event, the furthest stage first, then by rank', async () => {
    const file = await write(GOOD);
    const read = await readCandidates(file, dataset);
    expect(read).toEqual({
      file,
      event: Uint32Array.of(first, first, first, second),
      item: Int32Array.of(1, 5, 2, 4),
      stage: Uint8Array.of(2, 1, 1, 1),
      rank: Uint32Array.of(7, 0, 1, 3),
      teacher: Float32Array.of(2, Number.NaN, -0.5, Number.NaN),
    });
    expect((await readCandidates(await write([]), dataset)).item.length).toBe(0);
    expect((await readCandidates(await write(GOOD, { ...ABOUT, dataHash: dataset.hash }), dataset)).rank.length).toBe(
      4,
    );
  });

  const bad: [string, Row, string, string][] = [
    [
      'an event that is not in the log',
      [4000, 'i1', 'ranked', 0, 'NULL'],
      'DATA_KEY',
      '"event": 4000 is not one of 40',
    ],
    ['no event', [null, 'i1', 'ranked', 0, 'NULL'], 'DATA_KEY', '"event": -1 is not one of 40'],
    ['an event of the test part', [test, 'i1', 'ranked', 0, 'NULL'], 'DATA_KEY', `${test} is not in the training part`],
    ['an unknown item', [first, 'i9', 'ranked', 0, 'NULL'], 'DATA_KEY', 'there is no item "i9"'],
    ['no item', [first, null, 'ranked', 0, 'NULL'], 'DATA_KEY', 'there is no item ""'],
    [
      'a stage that means shown',
      [first, 'i1', 'shown', 0, 'NULL'],
      'DATA_VALUE',
      '"shown" is not a stage of candidates',
    ],
    ['an unknown stage', [first, 'i1', 'found', 0, 'NULL'], 'DATA_VALUE', 'there are: retrieved, ranked'],
    ['a negative rank', [first, 'i1', 'ranked', -1, 'NULL'], 'DATA_VALUE', '"rank": empty or negative'],
    ['an infinite score', [first, 'i1', 'ranked', 0, "'inf'"], 'DATA_VALUE', '"teacher": Infinity'],
    ['a score that no float32 holds', [first, 'i1', 'ranked', 0, '-1e300'], 'DATA_VALUE', '"teacher": -1e+300'],
  ];
  it.each(bad)('refuses %s by its row', async (_, row, code, says) => {
    const file = await write([GOOD[0]!, row, ...GOOD.slice(1)]);
    const refusal = readCandidates(file, dataset);
    await expect(refusal).rejects.toMatchObject({ code, message: expect.stringContaining(says) });
    await expect(refusal).rejects.toThrow(`${file}, row 2, column`);
  });

  it('refuses what was mined with knowledge of the request', async () => {
    const { time } = dataset.events;
    const file = await write(GOOD, { dataHash: dataset.logHash, seenUntil: time[first] });
    await expect(readCandidates(file, dataset)).rejects.toThrow(/row 2, column "event": \d+ is not later than what/);
    await expect(
      readCandidates(await write(GOOD, { dataHash: dataset.logHash, seenUntil: time[first]! - 1 }), dataset),
    ).resolves.toBeTruthy();
  });

  it.each([
    [
      'other data',
      { dataHash: 'f'.repeat(64), dataset: 'others' },
      'mined from data ffffffffffff (others), generated is',
    ],
    ['no data', {}, 'does not say which data'],
    ['metadata that is not JSON', '{', 'does not say which data'],
    ['who knows what', { dataHash: dataset.logHash }, 'does not say until when the runs that mined had seen the log'],
  ])('refuses candidates of %s', async (_, about, says) => {
    const refusal = readCandidates(await write(GOOD, about), dataset);
    await expect(refusal).rejects.toMatchObject({ code: 'DATA_SOURCE', message: expect.stringContaining(says) });
  });

  it('refuses what is no such file', async () => {
    const folder = folderOf({});
    await expect(readCandidates(join(folder, 'none.parquet'), dataset)).rejects.toThrow('there is no such file');
    const text = join(folder, 'text.parquet');
    writeFileSync(text, 'event,item');
    await expect(readCandidates(text, dataset)).rejects.toMatchObject({ code: 'DATA_SOURCE' });
    const other = await write(GOOD, ABOUT, 'tutor');
    await expect(readCandidates(other, dataset)).rejects.toThrow('there is no column "teacher"');
    const typed = await write(GOOD, ABOUT, 'teacher', 'VARCHAR');
    await expect(readCandidates(typed, dataset)).rejects.toMatchObject({
      code: 'DATA_COLUMN',
      message: expect.stringContaining(`${typed}: column "teacher" is VARCHAR`),
    });
  });
});
