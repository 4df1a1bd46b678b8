import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packagePath } from '../package-root.js';
import { folderOf } from '../testing/folder.js';
import { bundledConfig, bundledDatasets, datasetFile } from './bundled.js';
import { columnOf, fieldsOf, readDatasetConfig } from './config.js';
import { inspectionLines, summarise } from './inspect.js';
import { loadDataset, loadWithReport } from './load.js';
import { zipOf } from './testing/zip.js';

/** What happened after an exposure, and what the log writes after it. */
const AFTERWARDS =
  /^(is_(click|like|follow|comment|forward|hate|profile_enter)|long_view|.*_time(_ms)?|duration_ms|date|hourmin)$/;

describe('bundled descriptions', () => {
  it('are found by name and validate', () => {
    expect(bundledDatasets()).toEqual([
      'funnel',
      'kuairand-pure',
      'movielens-100k',
      'movielens-1m',
      'movielens-1m-next',
    ]);
    for (const name of bundledDatasets()) expect(readDatasetConfig(datasetFile(name)).name).toBe(name);
    expect(() => datasetFile('movielens-10m')).toThrow(/did you mean "movielens-1m"/);
    expect(() => datasetFile('my.yaml')).toThrow('my.yaml: there is no such file');
  });

  it('are not hidden by a folder of their name', () => {
    const folder = folderOf({});
    mkdirSync(join(folder, 'kuairand-pure'));
    const before = process.cwd();
    process.chdir(folder);
    try {
      expect(datasetFile('kuairand-pure')).toBe(packagePath('datasets', 'kuairand-pure.yaml'));
      expect(datasetFile('./kuairand-pure')).toBe('./kuairand-pure');
      expect(() => readDatasetConfig('./kuairand-pure')).toThrow('./kuairand-pure: it is a folder');
    } finally {
      process.chdir(before);
    }
  });

  it('kuairand-pure has the agreed split, and its histories hold nothing of the moment', async () => {
    const { dataset, report, config } = await loadWithReport('kuairand-pure');
    expect(Object.values(dataset.splits).map((rows) => rows.length)).toEqual([185_061, 13_834, 29_434]);
    expect([report.badRows, report.unordered, report.unknownSeedItems]).toEqual([0, 0, 0]);
    expect(fieldsOf(config).filter(({ column, kind }) => AFTERWARDS.test(column) && kind !== 'hour-of-day')).toEqual(
      [],
    );
    expect(columnOf(config.user)).toBe('user_id');

    const { events, histories } = dataset;
    const log = histories[0]!;
    let clicks = 0;
    for (const value of events.feedback.get('is_click')!) clicks += value;
    expect(log.item.length).toBeGreaterThan(clicks);
    for (let user = 0; user + 1 < log.offsets.length; user++) {
      for (let i = log.offsets[user]! + 1; i < log.offsets[user + 1]!; i++) {
        if (log.time[i]! < log.time[i - 1]!) throw new Error(`user ${user} is out of order`);
      }
    }

    const inspection = summarise(dataset, report);
    expect(inspection.counts).toMatchObject({ events: 228_329, users: 27_285, items: 7_583 });
    expect(inspection.feedback.is_click!.test).toBeCloseTo(0.4467, 4);
    expect(inspection.problems).toContain('3.2 % of the test events have a user that training never saw');
    expect(inspectionLines(inspection).join('\n')).toMatch(/train +185,061 events +24,448 users/);
  }, 240_000);

  it('movielens reads the original layout from a folder given', async () => {
    const rows = Array.from({ length: 20 }, (_, i) => `${1 + (i % 2)}::${1 + (i % 3)}::${1 + (i % 5)}::${1000 + i}`);
    const root = folderOf({
      'ratings.dat': `${rows.join('\n')}\n`,
      'users.dat': '1::M::18::3::00001\n2::F::25::4::00002\n',
      'movies.dat': Buffer.from(
        '1::Caf\u00e9 (1901)::Animation|Children\'s\n2::Fire (1902)::Crime\n3::"Quoted" (1903)::Crime|Drama\n',
        'latin1',
      ),
    });
    const dataset = await loadDataset('movielens-1m', { root });
    expect(dataset.items.display.get('title')).toEqual([null, 'Caf\u00e9 (1901)', 'Fire (1902)', '"Quoted" (1903)']);
    expect(dataset.encoders.vocabularies['item.genres']!.values).toContain("Children's");
    expect([...dataset.events.feedback.get('rating')!].slice(0, 5)).toEqual([1, 2, 3, 4, 5]);
    expect([...dataset.events.feedback.get('liked')!].slice(0, 5)).toEqual([0, 0, 0, 1, 1]);
  });

  it('movielens-1m-next asks for the films after a long past of users that training never saw', async () => {
    const rows = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].flatMap((user) =>
      Array.from({ length: 20 }, (_, i) => `${user}::${1 + ((user * i) % 7)}::${1 + (i % 5)}::${1000 + i}`),
    );
    const users = Array.from({ length: 10 }, (_, i) => `${1 + i}::F::25::${i}::0000${i}\n`);
    const films = Array.from({ length: 7 }, (_, i) => `${1 + i}::Film ${i} (1901)::Drama\n`);
    const root = folderOf({
      'ratings.dat': `${rows.join('\n')}\n`,
      'users.dat': users.join(''),
      'movies.dat': films.join(''),
    });
    const { events, splits, schema } = await loadDataset('movielens-1m-next', { root });
    expect(Object.values(splits).map((part) => part.length)).toEqual([7 * 20, 10, 2 * 10]);
    expect(new Set(Array.from(splits.test, (row) => events.time[row]! >= 1010))).toEqual(new Set([true]));
    expect(events.feedback.get('rated')!.every((rated) => rated === 1)).toBe(true);
    expect(schema.user.map(({ name }) => name)).not.toContain('user_id');
  });

  it('movielens-100k reads its genre flags', async () => {
    const flags = (...on: number[]) => Array.from({ length: 19 }, (_, i) => (on.includes(i) ? 1 : 0)).join('|');
    const root = folderOf({
      'u.data': Array.from({ length: 10 }, (_, i) => `${1 + (i % 2)}\t${1 + (i % 2)}\t4\t${1000 + i}\n`).join(''),
      'u.user': '1|31|F|baker|00001\n2|47|M|potter|00002\n',
      'u.item': `1|A (1901)|01-Jan-1901||http://a|${flags(1, 4)}\n2|B (1902)|01-Jan-1901||http://b|${flags(5)}\n`,
    });
    const { items, encoders } = await loadDataset('movielens-100k', { root });
    expect(encoders.vocabularies['item.genres']!.values.sort()).toEqual(['Action', "Children's", 'Comedy']);
    expect(items.columns.get('genres')).toMatchObject({ lengths: Int32Array.of(0, 2, 1) });
  });

  it('are fetched once where they name a download', async () => {
    const archive = zipOf({ 'ml/events.csv': 'u,i,t,y\n1,1,1,1\n1,2,2,0\n1,1,3,1\n1,2,4,0\n' }, true);
    const server = createServer((_, response) => response.end(archive));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const folder = folderOf({
      'd.yaml': `name: d
root: nowhere
download:
  url: http://127.0.0.1:${(server.address() as AddressInfo).port}/d.zip
  md5: ${createHash('md5').update(archive).digest('hex')}
  folder: ml
  terms: for tests
tables: {events: {path: events.csv}}
user: u
item: i
time: {column: t}
feedback: [y]
label: y
fields: {user: {u: id}, item: {i: id}}
split: {train: 0.5, validation: 0.25}
`,
    });
    const stages: string[] = [];
    const options = { cache: join(folder, 'cache'), onProgress: ({ stage }: { stage: string }) => stages.push(stage) };
    const first = await loadDataset(join(folder, 'd.yaml'), options);
    await new Promise((resolve) => server.close(resolve));
    expect(stages.slice(0, 2)).toEqual(['d: for tests', 'downloading d.zip']);
    expect((await loadDataset(join(folder, 'd.yaml'), options)).hash).toBe(first.hash);
  });

  it('holds no MovieLens data', async () => {
    const { root } = await bundledConfig('movielens-1m', { root: '/elsewhere' });
    expect(root).toBe('/elsewhere');
    for (const name of ['movielens-1m', 'movielens-100k'])
      expect(existsSync(readDatasetConfig(datasetFile(name)).root)).toBe(false);
  });
});
