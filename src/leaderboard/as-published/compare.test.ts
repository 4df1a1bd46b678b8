import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { loadDataset } from '../../data/load.js';
import { compare } from '../compare.js';
import { readLeaderboard } from '../config.js';
import { curvesCsv } from '../report/curves.js';
import { leaderboardHtml } from '../report/html.js';
import { leaderboardMarkdown } from '../report/markdown.js';
import { conclusions } from '../report/words.js';
import type { Leaderboard } from '../results.js';
import { ratedLog } from './testing/rated-log.js';

// Each test trains.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const LEAKY = 'toy/as-published';
const MODELS = {
  dssm: 'small.yaml',
  wide: { config: 'small.yaml', set: ['model.width=8'] },
};
const published = { source: 'Nobody, 2022', values: { dssm: { auc: 0.8 }, wide: { auc: 0.85, logloss: 0.4 } } };

let folder: string;
let out: string;
let board: Leaderboard;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twotower-'));
  out = join(folder, 'out');
  await writeLog();
  await writeFile(
    join(folder, 'small.yaml'),
    stringify({
      data: 'ratings.yaml',
      model: { name: 'dssm', embedding: 4, towers: [8], width: 4 },
      training: { epochs: 1, batchSize: 256 },
    }),
  );
  board = await compare(readLeaderboard(await writeBoard()), { out });
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Ratings of invented users as a file, with their genders and the genres of the films. */
async function writeLog(): Promise<void> {
  const { events, users, items } = ratedLog(4000);
  const rating = events.feedback.get('rating')!;
  const rows = Array.from(rating, (value, row) => {
    const gender = users.columns.get('gender')!;
    const genres = items.columns.get('genres')!;
    const [user, item] = [events.user[row]!, events.item[row]!];
    const g = gender.encoding === 'id' ? gender.rows[user] : '';
    const of = genres.encoding === 'ids' ? genres.rows.slice(item * 6, item * 6 + genres.lengths[item]!) : [];
    return [user, item, value, events.time[row], g, [...of].join('|')].join(',');
  });
  await writeFile(join(folder, 'ratings.csv'), `user,item,rating,time,gender,genres\n${rows.join('\n')}\n`);
  const description = {
    name: 'ratings',
    tables: { events: { path: 'ratings.csv' } },
    user: 'user',
    item: 'item',
    time: { column: 'time' },
    feedback: ['rating', { name: 'liked', column: 'rating', atLeast: 4 }],
    label: 'liked',
    fields: {
      user: { user: 'id', gender: 'categorical' },
      item: { item: 'id', genres: { kind: 'multi-categorical', separator: '|' } },
    },
    split: { train: 0.8, validation: 0.1 },
  };
  await writeFile(join(folder, 'ratings.yaml'), stringify(description));
}

async function writeBoard(keys: object = {}): Promise<string> {
  const protocol = { name: LEAKY, dataset: 'ratings.yaml', pipeline: 'inttower', metrics: ['auc', 'logloss'] };
  const honest = { name: 'toy/honest', dataset: 'ratings.yaml', metrics: ['auc', 'logloss'] };
  const tables = [
    { protocol, models: MODELS, published, slices: ['user.gender'], ...keys },
    { protocol: honest, models: MODELS },
  ];
  const file = join(folder, 'board.yaml');
  await writeFile(file, stringify({ seeds: [1], resamples: 200, threads: 1, tables }));
  return file;
}

const leaky = () => board.tables[0]!;

describe('a table on the data of a leaky pipeline', () => {
  it('has data of its own below the leaderboard, that says what it is and loads like any other', async () => {
    const [version, ...others] = readdirSync(join(out, 'data', LEAKY));
    expect(others).toEqual([]);
    const description = join(out, 'data', LEAKY, version!, 'dataset.yaml');
    const dataset = await loadDataset(description);
    expect(dataset.name).toContain('leaky');
    expect(dataset.hash).toBe(leaky().dataHash);
    const names = (side: 'user' | 'item') => dataset.schema[side].map(({ name }) => name);
    expect([names('user'), names('item')]).toEqual([
      ['user_id', 'gender', 'mean_rating'],
      ['item_id', 'genres', 'mean_rating'],
    ]);
    // The same items with other means on either side of the split.
    const sides = new Set(dataset.items.keys.slice(1).map((key) => key.split('/')[1]));
    expect(sides).toEqual(new Set(['train', 'test']));
    expect(leaky().models[0]!.config.data.dataset).toBe(description);
    expect(board.tables[1]!.dataHash).not.toBe(dataset.hash);
  });

  it('stands beside what the leak alone gives, which is more than honest models get', () => {
    const [{ name, about, values }] = leaky().references as [Leaderboard['tables'][number]['references'][number]];
    expect(name).toContain('leaked means alone');
    const honest = Math.max(...board.tables[1]!.models.map(({ metrics }) => metrics.auc!.mean));
    expect(values.auc).toBeGreaterThan(honest + 0.1);
    expect(board.tables[1]!.references).toEqual([]);
    expect(conclusions(leaky()).join(' ')).toContain(
      `Without any of these models, ${about} reaches ${values.auc!.toFixed(4)}: better than wide and dssm; better than the printed figures of dssm and wide.`,
    );
  });

  it('is called leaky wherever it is shown, and has no place among honest ones', () => {
    const text = leaderboardMarkdown(board);
    const [, own, honest] = text.split(/^## /m);
    expect(own).toMatch(/^toy\/as-published \(LEAKY\)\n\n\*\*LEAKY: /);
    for (const title of own!.match(/^### .*/gm)!) expect(title).toMatch(/\(LEAKY\)$/);
    expect(honest).toMatch(/^toy\/honest\n/);
    expect(honest).not.toContain('LEAKY');
    expect(text).not.toContain('### Places');
    const html = leaderboardHtml(board);
    expect(html).toContain('<h2 id="toy-as-published">toy/as-published (LEAKY)</h2>\n<p class="warning">LEAKY: ');
    const [, section] = html.split('<section>');
    for (const [, title] of section!.matchAll(/<h3>(.*?)<\/h3>/g)) expect(title).toMatch(/\(LEAKY\)$/);
    expect(curvesCsv(board)).toContain('toy/as-published (LEAKY),dssm,1,');
    // Whether its users are new to training has no meaning there.
    expect(new Set(leaky().slices.map(({ by }) => by))).toEqual(new Set(['user.gender']));
  });

  it('has printed figures in a column of their own, and says what is gained with and without the leak', () => {
    const text = leaderboardMarkdown(board);
    const [dssm, wide] = leaky().models.map(({ metrics }) => metrics.auc!.mean) as [number, number];
    const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
    expect(text).toContain(`| dssm | auc | ${dssm.toFixed(4)} | 0.8000 | ${signed(dssm - 0.8)} |`);
    const honest = board.tables[1]!.models.map(({ metrics }) => metrics.auc!.mean) as [number, number];
    expect(text).toContain(`| wide | +0.0500 | ${signed(wide - dssm)} | ${signed(honest[1] - honest[0])} |`);
    expect(text).toContain('Nobody, 2022');
  });

  it('is kept, cells and data, and made anew from other ratings', async () => {
    const cell = join(out, 'cells', LEAKY, 'dssm', 'seed-1', 'latency.json');
    expect(existsSync(cell)).toBe(true);
    const begun: string[] = [];
    const again = await compare(readLeaderboard(await writeBoard()), {
      out,
      onEvent: (event) => event.type === 'begin' && begun.push(event.cell.model),
    });
    expect(begun).toEqual([]);
    expect(again.tables).toEqual(JSON.parse(JSON.stringify(board.tables)));
  });

  it('refuses printed figures of what is not in the table', async () => {
    const with1 = async (values: object) => {
      const file = await writeBoard({ published: { source: 'x', values } });
      return () => readLeaderboard(file);
    };
    expect(await with1({ dsm: { auc: 0.8 } })).toThrow('there is no model "dsm" in this table, did you mean "dssm"?');
    expect(await with1({ dssm: { auk: 0.8 } })).toThrow('no metric "auk" in this table, did you mean "auc"?');
  });
});
