import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it, vi } from 'vitest';
import { folderOf } from '../testing/folder.js';
import type { Dataset, EncodedColumn } from './dataset.js';
import { loadDataset, loadWithReport } from './load.js';
import { SHOP_FILES, shop } from './testing/shop.js';

function ids(columns: Map<string, EncodedColumn>, name: string): number[] {
  const column = columns.get(name);
  if (column?.encoding !== 'id') throw new Error(`${name} is ${column?.encoding}`);
  return [...column.rows];
}

describe('loadDataset', () => {
  it('says where a cut that leaves a part empty was asked for', async () => {
    const description = shop({}, (text) => text.replace('validationUntil: 90', 'validationUntil: 80'));
    await expect(loadDataset(description)).rejects.toThrow(`${description.file}: split: the validation part is empty`);
    const split = { trainUntil: 80, validationUntil: 80 };
    await expect(loadDataset(shop(), { split })).rejects.toThrow(/^data\.split: the validation part is empty/);
  });

  it('gives the hand-checked shop', async () => {
    const { dataset, report } = await loadWithReport(shop());
    const { users, items, events, splits, encoders, schema } = dataset;

    // All rows of the tables, then the keys only events know.
    expect(users.keys).toEqual(['', '1', '2', '3', '5', '4']);
    expect(items.keys).toEqual(['', 'a', 'b', 'c', 'd', 'e']);
    expect(items.display.get('title')).toEqual([null, 'Apple', 'Bread', 'Cake', 'Drink', null]);

    // Time order; 25 came after 30 in the file.
    expect([...events.time]).toEqual([10, 20, 25, 30, 50, 60, 70, 80, 90, 100]);
    expect([...events.user]).toEqual([1, 2, 3, 1, 2, 1, 1, 2, 3, 5]);
    expect([...events.item]).toEqual([1, 2, 1, 2, 1, 3, 1, 2, 5, 4]);
    expect([...events.feedback.get('bought')!]).toEqual([1, 0, 1, 1, 1, 0, 1, 0, 1, 0]);
    expect(report.unordered).toBe(1);
    expect(Object.fromEntries(Object.entries(splits).map(([part, rows]) => [part, [...rows]]))).toEqual({
      train: [0, 1, 2, 3, 4, 5, 6],
      validation: [7],
      test: [8, 9],
    });

    // Seven training events: user 1 has 4, users 2 and 3 have 2 and 1; 4 and 5 have none and are unknown.
    expect(encoders.vocabularies['user.user']).toEqual({ values: ['1', '2', '3'], counts: [0, 4, 2, 1] });
    expect(ids(users.columns, 'user')).toEqual([0, 1, 2, 3, 0, 0]);
    expect(encoders.vocabularies['user.city']).toEqual({
      values: ['Rome', 'Oslo', 'New York, NY'],
      counts: [0, 4, 2, 1],
    });
    expect(ids(users.columns, 'city')).toEqual([0, 1, 2, 3, 2, 0]);
    // Ages of the training events: 30 four times, 50 once; the single cut leaves one bucket below it.
    expect(ids(users.columns, 'age')).toEqual([0, 1, 0, 1, 1, 0]);

    // a: 4, b: 2, c: 1 events; tags y: 4 + 2, x: 4, z never.
    expect(encoders.vocabularies['item.tags']).toEqual({ values: ['y', 'x'], counts: [0, 6, 4] });
    expect(schema.item).toEqual([
      { name: 'product', owner: 'item', encoding: 'id', vocabulary: 'item.product', size: 4 },
      { name: 'tags', owner: 'item', encoding: 'ids', vocabulary: 'item.tags', size: 3, maxLength: 2 },
      { name: 'weight', owner: 'item', encoding: 'numbers', width: 1 },
    ]);
    const tags = items.columns.get('tags')!;
    expect(tags).toEqual({
      encoding: 'ids',
      maxLength: 2,
      rows: Int32Array.of(0, 0, 2, 1, 1, 0, 0, 0, 0, 1, 0, 0),
      lengths: Int32Array.of(0, 2, 1, 0, 2, 0),
    });
    // Weights 1.5 × 4, 2 × 2, 4 × 1: mean 2, variance (4 × 0.25 + 0 + 4) / 7.
    const weight = items.columns.get('weight');
    const deviation = Math.sqrt(5 / 7);
    expect(weight?.encoding === 'numbers' ? [...weight.values] : []).toEqual(
      [0, -0.5, 0, 2, 0, 0].map((value) => Math.fround(value / deviation)),
    );

    // Rare places and those of later parts are unknown; home 4, work 2, bus 1.
    expect(encoders.vocabularies['context.place']).toEqual({ values: ['home', 'work'], counts: [1, 4, 2] });
    expect(ids(events.context.columns, 'place')).toEqual([1, 2, 1, 1, 0, 2, 1, 0, 1, 1]);

    const [history] = dataset.histories;
    expect([...history!.offsets]).toEqual([0, 0, 3, 4, 6, 6, 6]);
    expect([...history!.item]).toEqual([1, 2, 1, 1, 1, 5]);
    expect([...history!.time]).toEqual([10, 30, 70, 50, 25, 90]);
    expect(schema.histories).toEqual([{ name: 'bought', maxLength: 3, features: schema.item.slice(0, 2) }]);
  });

  it('is the same from CSV and from Parquet, and its hash follows the files', async () => {
    const parquet = folderOf(SHOP_FILES);
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    await connection.run(`COPY (FROM read_csv('${parquet}/events.csv')) TO '${parquet}/events.parquet'`);
    await connection.run(`COPY (FROM read_csv('${parquet}/users.csv')) TO '${parquet}/users.parquet'`);
    connection.closeSync();
    instance.closeSync();
    const files = Object.fromEntries(
      ['events', 'users'].map((name) => [`${name}.parquet`, readFileSync(join(parquet, `${name}.parquet`))]),
    );
    const typed = await loadDataset(
      shop(files, (text) => text.replace('events.csv', 'events.parquet').replace('users.csv', 'users.parquet')),
    );
    const text = await loadDataset(shop());
    expect(plain(typed)).toEqual(plain(text));
    expect(typed.hash).not.toBe(text.hash);
    expect((await loadDataset(shop())).hash).toBe(text.hash);
  });

  it('takes keys and fields from the events where there are no tables', async () => {
    const config = shop({}, (text) =>
      text
        .replace(/ {2}users:.*\n {2}items:.*\n/, '')
        .replace(
          / {2}user: \{.*\n {2}item:\n(.*\n){3}/,
          '  user: {user: id}\n  item: {product: id, price: {kind: numeric, buckets: 2}}\n',
        )
        .replace('[product, tags]', '[product]'),
    );
    const { users, items, encoders } = await loadDataset(config);
    expect(users.keys).toEqual(['', '1', '2', '3', '4']);
    expect(items.keys).toEqual(['', 'a', 'b', 'c', 'e', 'd']);
    expect(encoders.vocabularies['item.product']!.values).toEqual(['a', 'b', 'c']);
    // The earliest price of each: a 5, b 7, c 3, e 2, d 4; training sees 5 × 4, 7 × 2, 3: cut at 5.
    expect(ids(items.columns, 'price')).toEqual([0, 2, 2, 1, 1, 1]);
  });

  it('derives feedback, drops events and splits by shares', async () => {
    const { dataset, report } = await loadWithReport(
      shop({}, (text) =>
        text
          .replace(
            'feedback: [bought]',
            'feedback: [bought, {name: dear, column: price, atLeast: 5}, price]\ndrop: [{column: price, equals: 3}]',
          )
          .replace(/split: .*/, 'split: {train: 0.5, validation: 0.25}'),
      ),
    );
    expect(report.dropped).toBe(2);
    expect([...dataset.events.feedback.get('dear')!]).toEqual([1, 1, 0, 1, 1, 0, 0, 0]);
    expect([...dataset.events.feedback.get('price')!]).toEqual([5, 7, 1, 8, 9, 2, 2, 4]);
    expect(Object.values(dataset.splits).map((rows) => rows.length)).toEqual([4, 2, 2]);
  });

  it('shares a vocabulary between fields', async () => {
    const { encoders, schema } = await loadDataset(
      shop({}, (text) =>
        text
          .replace('city: categorical', 'city: {kind: categorical, vocabulary: words}')
          .replace('tags: multi-categorical', 'tags: {kind: multi-categorical, vocabulary: words}'),
      ),
    );
    expect(encoders.vocabularies.words).toEqual({
      values: ['y', 'Rome', 'x', 'Oslo', 'New York, NY'],
      counts: [0, 6, 4, 4, 2, 1],
    });
    expect(schema.user[1]).toMatchObject({ vocabulary: 'words', size: 6 });
  });

  it('learns nothing from validation and test events', async () => {
    const later = SHOP_FILES['events.csv']
      .replace('2,b,80,0,2,boat', '5,d,80,0,999,moon')
      .replace('4,d,100,0,4,home', '4,d,100,1,-999,moon');
    const one = await loadDataset(shop());
    const other = await loadDataset(shop({ 'events.csv': later }));
    expect(other.encoders).toEqual(one.encoders);
    expect(other.schema).toEqual(one.schema);
  });

  it('numbers requests as they come', async () => {
    const events = SHOP_FILES['events.csv'].replace(/^(.*)$/gm, (line, _, at) =>
      at === 0 ? `${line},request` : line && `${line},${9e12 + Math.floor(at / 40)}`,
    );
    const { events: loaded } = await loadDataset(
      shop({ 'events.csv': events }, (text) => text.replace('feedback:', 'request: request\nfeedback:')),
    );
    expect(loaded.request?.length).toBe(10);
    expect(Math.min(...loaded.request!)).toBe(0);
    expect(new Set(loaded.request).size).toBe(Math.max(...loaded.request!) + 1);
  });

  it('takes truth values for numbers', async () => {
    const events = SHOP_FILES['events.csv'].replace('1,a,10,1', '1,a,10,True').replace('2,b,20,0', '2,b,20,false');
    const { events: loaded } = await loadDataset(shop({ 'events.csv': events }));
    expect([...loaded.feedback.get('bought')!].slice(0, 2)).toEqual([1, 0]);
  });

  it('tells how far it is, and leaves nothing behind in the temporary folder', async () => {
    const config = shop();
    const broken = shop({ 'events.csv': '' });
    const temporary = folderOf({});
    vi.stubEnv('TMPDIR', temporary);
    const seen: string[] = [];
    await loadDataset(config, { onProgress: ({ stage }) => seen.push(stage) });
    await expect(loadDataset(broken)).rejects.toThrow();
    vi.unstubAllEnvs();
    expect(seen).toEqual([
      'reading tables',
      'reading events',
      'learning vocabularies',
      'encoding events',
      'gathering histories',
    ]);
    expect(readdirSync(temporary)).toEqual([]);
  });
});

describe('seeds', () => {
  const seeded = (rows: string) =>
    shop({ 'before.jsonl': rows }, (text) =>
      text.replace(
        'features: [product, tags]',
        'features: [product, tags], seed: {path: before.jsonl, key: user, items: seen, lastTime: last}',
      ),
    );

  it('go before the events, the latest maxLength of them, at no known time', async () => {
    const config = seeded(
      '{"user": 1, "seen": ["a", "b", "c", "d", "nobody"], "last": 9}\n{"user": 77, "seen": ["a"], "last": 1}\n',
    );
    const { dataset, report } = await loadWithReport(config);
    const [history] = dataset.histories;
    expect([...history!.item].slice(0, 6)).toEqual([2, 3, 4, 1, 2, 1]);
    expect([...history!.time].slice(0, 4)).toEqual([-Infinity, -Infinity, -Infinity, 10]);
    expect(report.unknownSeedItems).toBe(1);
  });

  it('do not count as earlier than an event of the same moment', async () => {
    const { histories } = await loadDataset(seeded('{"user": 1, "seen": ["b"], "last": 10}\n'));
    expect([...histories[0]!.time].slice(0, 2)).toEqual([10, 10]);
  });

  it('are refused when they reach beyond the first event', async () => {
    await expect(
      loadDataset(seeded('{"user": 2, "seen": ["b"], "last": 3}\n{"user": 1, "seen": ["b"], "last": 11}\n')),
    ).rejects.toThrow(
      /before\.jsonl, row 2 \(line 2\), column "last": the earlier history reaches beyond the first event/,
    );
  });
});

/** What does not depend on where the data came from. */
function plain({ users, items, events, histories, splits, encoders, schema }: Dataset) {
  return { users, items, events, histories, splits, encoders, schema };
}
