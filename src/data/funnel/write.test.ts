import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { sha256 } from '../../files.js';
import { packagePath } from '../../package-root.js';
import { readDatasetConfig } from '../config.js';
import type { Dataset } from '../dataset.js';
import { loadDataset } from '../load.js';
import { LOGGED_STAGES } from './log.js';
import { type FunnelInput, funnelOptions } from './options.js';
import { examination } from './truth.js';
import { openTruth, type Truth } from './truth-files.js';
import { type FunnelSummary, writeFunnel } from './write.js';

const SMALL: FunnelInput = {
  users: 40,
  items: 60,
  days: 3,
  requestsPerDay: 1,
  cascade: { retrieve: 20, prerank: 12, rank: 8, shown: 5 },
};
const scratch = mkdtempSync(join(tmpdir(), 'twotower-funnel-'));
const write = (name: string, changes: FunnelInput = {}) =>
  writeFunnel(join(scratch, name), funnelOptions.parse({ ...SMALL, ...changes }));

let summary: FunnelSummary;
let dataset: Dataset;
let truth: Truth;
beforeAll(async () => {
  summary = await write('world');
  dataset = await loadDataset(summary.file);
  truth = await openTruth(dataset.truth!);
}, 60_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test('the dataset holds what was said, and every event its truth', () => {
  const { events, users, items } = dataset;
  expect([users.count, items.count]).toEqual([41, 61]);
  const shown = Object.values(dataset.splits).reduce((sum, rows) => sum + rows.length, 0);
  const unshown = Object.values(dataset.unshown!).reduce((sum, rows) => sum + rows.length, 0);
  expect([shown, unshown]).toEqual([summary.shown, summary.unshown]);
  const click = events.feedback.get('click')!;
  expect(click.reduce((a, b) => a + b, 0)).toBe(summary.clicks);
  expect(new Set(events.request).size).toBe(summary.requests);
  let place = 0;
  for (let row = 0; row < events.count; row++) {
    const p = truth.probability(users.keys[events.user[row]!]!, items.keys[events.item[row]!]!, events.time[row]!);
    const logit = events.scores!.get('truth')![row]!;
    expect(1 / (1 + Math.exp(-logit))).toBeCloseTo(p, 5);
    place = row > 0 && events.request![row] === events.request![row - 1] ? place + 1 : 0;
    const chance = events.scores!.get('chance')![row]!;
    if (events.stage[row]! < dataset.shown) expect(chance).toBeNaN();
    else expect(1 / (1 + Math.exp(-chance))).toBeCloseTo(p * examination(place, 0.5), 5);
  }
});

test('the truth of the whole corpus is that of every item', () => {
  const into = new Float64Array(truth.items);
  truth.corpus('7', dataset.events.time[9]!, into);
  expect([...into]).toEqual(
    Array.from(into, (_, item) => truth.probability('7', String(item + 1), dataset.events.time[9]!)),
  );
  expect(Math.max(...into)).toBeLessThan(1);
  expect(() => truth.probability('41', '1', 0)).toThrow(/nothing is known of user "41"\n.*1 to 40/);
  expect(truth.indexOf('60')).toBe(59);
  expect(() => truth.indexOf('61')).toThrow('nothing is known of item "61"');
  expect(() => truth.probability('1', 'x', 0)).toThrow('nothing is known of item "x"');
});

test('no feature is a score, a place, or what is true', () => {
  const names = [...dataset.schema.user, ...dataset.schema.item, ...dataset.schema.context].map(({ name }) => name);
  expect(names.filter((name) => /truth|chance|ranker|place|quality|mood|stage|click/.test(name))).toEqual([]);
  const { stages } = readDatasetConfig(packagePath('datasets', 'funnel.yaml'));
  expect(stages!.names.slice(1, -1)).toEqual([...LOGGED_STAGES]);
});

test('the same options write the same bytes, another seed others', async () => {
  await write('again');
  await write('other', { seed: 2 });
  const hash = (name: string, file: string) => sha256(join(scratch, name, file));
  for (const file of ['events.parquet', 'users.parquet', 'truth/items.parquet', 'dataset.yaml']) {
    expect(await hash('again', file)).toBe(await hash('world', file));
    expect(await hash('other', file)).not.toBe(await hash('world', file));
  }
});

test('what hardly anybody asks for is no log, and leaves nothing behind', async () => {
  await expect(write('silent', { users: 1, days: 1 })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  expect(existsSync(join(scratch, 'silent'))).toBe(false);
});

describe('a description that generates', () => {
  /** The description of the world, saying how it is made instead of where it lies. */
  async function describe(changes: object = {}) {
    const said = parse(await readFile(summary.file, 'utf8'));
    const file = join(scratch, 'generated.yaml');
    await writeFile(
      file,
      JSON.stringify({ ...said, root: 'nowhere', generate: { world: 'funnel', ...SMALL, ...changes } }),
    );
    return file;
  }

  test('makes its files once and keeps them', async () => {
    const cache = join(scratch, 'cache');
    const stages: string[] = [];
    const options = { cache, onProgress: ({ stage }: { stage: string }) => stages.push(stage) };
    const first = await loadDataset(await describe(), options);
    expect(first.hash).toBe(dataset.hash);
    expect(first.truth).toBe(join(cache, readdirSync(cache)[0]!, 'truth'));
    await loadDataset(await describe(), options);
    expect(readdirSync(cache)).toHaveLength(1);
    const other = await loadDataset(await describe({ seed: 2 }), options);
    expect(other.hash).not.toBe(first.hash);
    expect(readdirSync(cache)).toHaveLength(2);
  });

  test('says what is wrong with it', async () => {
    await expect(loadDataset(await describe({ itmes: 5 }))).rejects.toThrow(
      'unknown key "itmes", did you mean "items"?',
    );
    await expect(loadDataset(await describe({ items: 5 }))).rejects.toThrow('20 items cannot be kept of the 5');
  });
});

describe('a truth that cannot be read', () => {
  test.each([
    ['world.json', '{"format": 2}', 'CONFIG_INVALID'],
    ['users.parquet', 'no parquet', 'DATA_SOURCE'],
  ])('%s', async (name, content, code) => {
    await write('broken');
    await writeFile(join(scratch, 'broken/truth', name), content);
    await expect(openTruth(join(scratch, 'broken/truth'))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(name),
    });
  });

  test('is missing', async () => {
    await expect(openTruth(join(scratch, 'nowhere'))).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
  });
});
