import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { folderOf } from '../../testing/folder.js';
import type { Dataset } from '../dataset.js';
import { datasetFiles } from '../dataset-files.js';
import { hashesOf } from '../dataset-hash.js';
import { writeGeneratedLog } from '../generate-log.js';
import { loadDataset } from '../load.js';
import { countItems } from '../sampling.js';
import { settledConfig } from '../settled-config.js';
import { shop } from '../testing/shop.js';
import { loadStreamed } from './load.js';
import { prepareWindows } from './prepare.js';
import { openWindow } from './window.js';
import { windowOf } from './window-file.js';

let folder = '';
let file = '';
let whole: Dataset;
beforeAll(async () => {
  folder = folderOf({});
  file = await writeGeneratedLog(folder, { events: 6000, users: 90, items: 40, days: 10 });
  whole = await loadDataset(file);
});

const streamed = (window: number, cache = join(folder, 'cache')) => loadStreamed(file, { window, cache });
const windowsOf = (dataset: Dataset) =>
  dataset.stream!.windows.map((_, window) => openWindow({ ...dataset, stream: dataset.stream! }, window));

/** What a part of a log says of each event, in an order of its own: windows are not in the order of the log. */
function rows(dataset: Dataset, part: 'train' | 'validation' | 'test'): string[] {
  const { user, item, time, feedback, context } = dataset.events;
  const surface = context.columns.get('surface')!;
  return Array.from(dataset.splits[part], (row) =>
    [
      ...[user, item, time, ...feedback.values()].map((values) => values[row]),
      surface.encoding === 'id' ? surface.rows[row] : '',
    ].join(' '),
  ).sort();
}

describe('a streamed log', () => {
  it('in one window is the log in memory', async () => {
    const { stream, ...one } = await streamed(6000);
    expect(one).toEqual(whole);
    expect(stream!.windows).toEqual([{ events: 6000, train: 4800, validation: 600, test: 600 }]);
  });

  it.each([
    ['out of order, with unknown keys and a history', (text: string) => text],
    [
      'cut by another column',
      (text: string) =>
        text
          .replace('{trainUntil: 80', '{by: price, trainUntil: 4')
          .replace('validationUntil: 90', 'validationUntil: 8'),
    ],
    [
      'without the newest event of every user',
      (text: string) => text.replace('{trainUntil: 80, validationUntil: 90}', '{newest: 1}'),
    ],
  ])('is the log in memory: the shop, %s', async (_, edit) => {
    const description = shop({}, edit);
    const { stream: __, ...one } = await loadStreamed(description, { window: 10, cache: join(folder, 'shops') });
    expect(one).toEqual(await loadDataset(description));
  });

  it('has every event in one window, with all its user ever did', async () => {
    const dataset = await streamed(1000);
    const windows = windowsOf(dataset);
    expect(windows).toHaveLength(6);
    for (const part of ['train', 'validation', 'test'] as const) {
      expect(windows.flatMap((window) => rows(window, part)).sort()).toEqual(rows(whole, part));
    }
    const [past] = whole.histories;
    windows.forEach((window, number) => {
      const [own] = window.histories;
      for (const user of new Set(window.events.user)) {
        expect(windowOf(user, 6)).toBe(number);
        const [from, to] = [past!.offsets[user]!, past!.offsets[user + 1]!];
        const [begin, end] = [own!.offsets[user]!, own!.offsets[user + 1]!];
        expect(own!.item.slice(begin, end)).toEqual(past!.item.slice(from, to));
        expect(own!.time.slice(begin, end)).toEqual(past!.time.slice(from, to));
      }
    });
  });

  it('knows of the whole log what no window tells', async () => {
    const { stream, hash, logHash, encoders, schema } = await streamed(1000);
    expect({ hash, logHash, encoders, schema }).toEqual({
      hash: whole.hash,
      logHash: whole.logHash,
      encoders: whole.encoders,
      schema: whole.schema,
    });
    expect(stream!.itemCounts).toEqual(countItems(whole.events.item, whole.splits.train, whole.items.count));
    expect(stream!.windows.reduce((sum, { train }) => sum + train, 0)).toBe(whole.splits.train.length);
    expect(stream!.seenUntil).toBe(whole.events.time[whole.splits.validation.at(-1)!]);
    expect(stream!.binary).toEqual(['click']);
    expect([...stream!.trainedStages].sort()).toEqual([2, 3]);
  });

  it('is prepared once, and the same however many events are encoded at a time', async () => {
    const before = await streamed(1000);
    const stages: string[] = [];
    const again = await loadStreamed(
      file,
      { window: 1000, cache: join(folder, 'cache') },
      { onProgress: ({ stage }) => stages.push(stage) },
    );
    expect(stages).toEqual([]);
    expect(again).toEqual(before);

    const config = await settledConfig(file, {});
    const files = await datasetFiles(config);
    const hashes = await hashesOf(config, files);
    const small = join(folder, 'small-blocks');
    await prepareWindows(small, config, { window: 1000, hashes, files }, 2048);
    const windows = windowsOf({ ...before, stream: { ...before.stream!, folder: small } });
    windowsOf(before).forEach((window, i) => {
      expect(windows[i]!.events).toEqual(window.events);
    });
    // The database of the load is gone.
    expect(readdirSync(small).sort()).toEqual(readdirSync(before.stream!.folder).sort());
  });

  it('names a window that is damaged', async () => {
    const dataset = await streamed(3000, join(folder, 'damaged'));
    const window = join(dataset.stream!.folder, 'window-00001');
    const content = readFileSync(window);
    for (const bytes of [content.subarray(0, -1), content.subarray(0, 3), Buffer.concat([content, content])]) {
      writeFileSync(window, bytes);
      expect(() => windowsOf(dataset)).toThrow(/window-00001 is missing or damaged/);
    }
  });

  it('says what is wrong as loading does, and leaves nothing behind', async () => {
    const cache = join(folder, 'failed');
    const bad = shop({}, (text) => text.replace('validationUntil: 90', 'validationUntil: 80'));
    await expect(loadStreamed(bad, { window: 10, cache })).rejects.toThrow(
      /the validation part is empty: training ends/,
    );
    const unordered = shop({}, (text) => text.replace('{column: at}', '{column: at, order: required}'));
    await expect(loadStreamed(unordered, { window: 10, cache })).rejects.toThrow(
      /row 4 \(line 5\), column "at": the time 25 is before 30/,
    );
    expect(readdirSync(cache)).toEqual([]);
  });

  it('wants windows whose users have something in every part', async () => {
    const cache = join(folder, 'tiny');
    await expect(loadStreamed(shop(), { window: 1, cache })).rejects.toThrow(
      /the first of 10 windows have nothing in the (train|validation|test) part\n.*make it larger/,
    );
    expect(readdirSync(cache)).toEqual([]);
  });
});
