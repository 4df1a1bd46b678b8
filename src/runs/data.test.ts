import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadRunData, seenUntil } from './data.js';
import { readConfig } from './read-config.js';
import { toyFolder } from './testing/toy.js';

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
