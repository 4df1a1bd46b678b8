import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { onRanks } from '../distributed/testing/lockstep.js';
import { S3Server } from '../s3/testing/s3-server.js';
import { temporaryFolder } from '../testing/folder.js';
import { loadRunData, seenUntil } from './data.js';
import { readConfig } from './read-config.js';
import { toyFolder } from './testing/toy.js';
import { loadInTurn } from './together.js';

let toy: Awaited<ReturnType<typeof toyFolder>>;
beforeAll(async () => {
  toy = await toyFolder();
});
afterAll(() => toy.remove());

test('another split cuts the same log elsewhere, and everything is fitted on its own training part', async () => {
  const usual = await loadRunData(readConfig(toy.config));
  const early = await loadRunData(readConfig(toy.config, ['data.split={ train: 0.3, validation: 0.1 }']));
  expect(early.logHash).toBe(usual.logHash);
  expect(early.hash).not.toBe(usual.hash);
  expect(early.events.item).toEqual(usual.events.item);
  expect(early.items.keys).toEqual(usual.items.keys);
  expect(early.splits.train.length).toBeLessThan(usual.splits.train.length);
  const seen = (data: typeof early, name: string) => {
    const { counts } = data.encoders.vocabularies[name]!;
    return counts.reduce((a, b) => a + b, 0);
  };
  for (const name of Object.keys(early.encoders.vocabularies)) {
    expect(seen(early, name), name).toBeLessThan(seen(usual, name));
  }
});

test('a run has seen everything until the last event of its training and validation parts', async () => {
  const data = await loadRunData(readConfig(toy.config));
  const { time } = data.events;
  const latest = Math.max(...[...data.splits.train, ...data.splits.validation].map((row) => time[row]!));
  expect(seenUntil(data)).toBe(latest);
  expect(time[data.splits.test[0]!]!).toBeGreaterThanOrEqual(latest);
});

test('shares that leave nothing for a part are refused', () => {
  expect(() => readConfig(toy.config, ['data.split={ train: 0.9, validation: 0.2 }'])).toThrow(
    'data.split: train and validation leave nothing for the test',
  );
});

test('a data folder in a bucket: ranks fetch once, and what a streamed run fetched is there for those that hold the log', async () => {
  const s3 = await S3Server.start('logs');
  onTestFinished(() => s3.stop());
  onTestFinished(() => void vi.unstubAllEnvs());
  const cache = await temporaryFolder();
  for (const [name, value] of Object.entries({ ...s3.env, XDG_CACHE_HOME: cache })) vi.stubEnv(name, value);
  for (const name of ['users.csv', 'items.csv', 'events.csv']) {
    s3.objects.set(`toy/${name}`, readFileSync(join(toy.folder, 'data', name)));
  }
  const fetched = () => s3.log.splice(0).filter((line) => line.startsWith('GET toy/')).length;
  const usual = await loadRunData(readConfig(toy.config));
  const set = ['data.root=s3://logs/toy'];
  const all = await onRanks(2, (ranks) => loadInTurn(ranks, readConfig(toy.config, set)));
  expect(all.map(({ hash }) => hash)).toEqual([usual.hash, usual.hash]);
  expect(fetched()).toBe(3);

  const streamed = readConfig(toy.config, [...set, `data.stream={ cache: ${JSON.stringify(join(cache, 'other'))} }`]);
  expect((await loadRunData(streamed)).hash).toBe(usual.hash);
  expect(fetched()).toBe(3);
  expect((await loadRunData(streamed, { whole: true })).hash).toBe(usual.hash);
  expect(fetched()).toBe(0);
});
