import { describe, expect, it } from 'vitest';
import { PROTOCOLS } from '../protocols.js';
import type { ModelResult } from '../results.js';
import { exampleBoard } from '../testing/board.js';
import { curvesCsv } from './curves.js';
import { leaderboardHtml } from './html.js';
import { leaderboardMarkdown } from './markdown.js';
import { median, placesTable, qualityTable } from './tables.js';
import { conclusions } from './words.js';

const board = exampleBoard();
const table = board.tables[0]!;
const tableRow = (name: string) => qualityTable(table).rows.find(([first]) => first!.startsWith(name))!;

describe('the tables', () => {
  it('give mean, spread and a mark where a difference means something, the best first', () => {
    expect(qualityTable(table).rows.map(([name]) => name)).toEqual([
      'model',
      'ranktower',
      'fit',
      'dssm',
      'a|b',
      'weak',
    ]);
    expect(tableRow('ranktower').slice(1, 2)).toEqual(['0.7440 ± 0.0012 ▲']);
    expect(tableRow('weak').slice(1, 2)).toEqual(['0.7350 ± 0.0012 ▼']);
    expect(tableRow('fit').slice(1, 2)).toEqual(['0.7410 ± 0.0012']);
  });

  it('give the spread as many decimals as the mean', () => {
    const [best, ...others] = table.models;
    const steady = { ...best!, metrics: { auc: { ...best!.metrics.auc!, deviation: 0.000816 } } };
    const { rows } = qualityTable({ ...table, models: [steady, ...others] });
    expect(rows.find(([name]) => name === best!.name)![1]).toMatch(/^0\.\d{4} ± 0\.0008/);
  });

  it('say where training diverged', () => {
    const { models } = table;
    const lost = { ...models[4]!, runs: [], metrics: {}, diverged: [{ seed: 1, message: 'NaN' }] };
    const with2 = { ...table, models: [...models.slice(0, 4), lost] };
    expect(qualityTable(with2).rows.at(-1)).toEqual(['weak (1 of 2 seeds diverged)', '–', '–', '–', '–']);
    expect(conclusions(with2).join(' ')).toContain('Training of weak diverged');
  });

  it('count places over tables, over those a model stands in', () => {
    expect(placesTable(board)).toBeUndefined();
    const [first, ...rest] = table.models;
    const second = {
      ...table,
      models: [{ ...first!, metrics: { auc: { ...first!.metrics.auc!, place: 1 } } }, ...rest.slice(0, 1)],
    };
    const rows = placesTable({ ...board, tables: [table, second] })!.rows;
    // ranktower 1; dssm (3 + 1) / 2 and fit (2 + 2) / 2; a|b 4; weak 5.
    expect(rows.slice(1).map((cells) => cells.at(-1))).toEqual(['1.00', '2.00', '2.00', '4.00', '5.00']);
    expect(rows.find(([name]) => name === 'weak')).toEqual(['weak', '5', '–', '5.00']);
  });

  it('take the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1])).toBe(2.5);
  });
});

describe('the words', () => {
  it('say which differences mean nothing', () => {
    expect(conclusions(table)).toEqual([
      'By auc: ranktower (+0.0040) is significantly better than dssm.',
      'weak (−0.0050) is significantly worse than dssm.',
      'No significant difference from dssm: fit (+0.0010) and a|b (−0.0005).',
    ]);
  });

  it('warn of single seeds', () => {
    const single = { ...table, models: table.models.map((model) => ({ ...model, runs: model.runs.slice(0, 1) })) };
    expect(conclusions(single).at(-1)).toContain('one seed only');
  });
});

describe('the report', () => {
  const html = leaderboardHtml(board);

  it('as HTML fetches nothing, escapes what it is told and has no number that is none', () => {
    expect(html).toContain('Example &lt;one&gt;');
    expect(html).not.toContain('a <b>');
    expect(html).not.toMatch(/src=|href="(?!#)|@import|url\(|<script|NaN|Infinity|undefined|\[object/);
  });

  it('keeps the data of every chart behind a click, and names of pictures apart', () => {
    expect(html.match(/<details><summary>the data<\/summary>/g)).toHaveLength(html.match(/<figure/g)!.length);
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    // Two scatters, one picture of intervals, five curves, five calibrations.
    expect(html.match(/role="img"/g)).toHaveLength(13);
  });

  it('draws a funnel of every model that ranks all items, each cut as long as what is left of the one before', () => {
    const of = (mean: number) => ({ mean, deviation: 0, runs: 1, place: 1 });
    const protocol = PROTOCOLS.find(({ name }) => name === 'kuairand-pure/next-item')!;
    const [first, second, ...others] = table.models;
    const models: ModelResult[] = [
      { ...first!, metrics: { 'recall@20': of(0.1), 'recall@100': of(0.4) } },
      { ...second!, metrics: { 'recall@20': of(0.2), 'recall@100': of(0.5) } },
      // Diverged.
      { ...others[0]!, metrics: {} },
    ];
    const drawn = leaderboardHtml({ ...board, tables: [{ ...table, protocol, models }] });
    const [figure] = /<figure class="funnels">.*?<\/figure>/s.exec(drawn)!;
    const widths = [...figure.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) => Number(width));
    expect(widths).toEqual([170, 68, 68, 17, 170, 85, 85, 34]);
    expect(figure).toContain(
      '<desc id="t0-funnel-0-text">Still there: 40.0 % in the first 100, 10.0 % in the first 20',
    );
    expect(html).not.toContain('class="funnels"');
  });

  it('has every point of every curve as CSV', () => {
    const [header, ...lines] = curvesCsv(board).trim().split('\n');
    expect(header).toBe('protocol,model,seed,step,epoch,what,value');
    // Five models, two seeds, four times a loss and two metrics.
    expect(lines).toHaveLength(5 * 2 * 4 * 3);
    expect(lines[0]).toBe('kuairand-pure/click,dssm,1,90,1,training loss,0.6');
    expect(new Set(lines.map((line) => line.split(',').length))).toEqual(new Set([7]));
  });

  it('as Markdown keeps its tables whole', () => {
    const text = leaderboardMarkdown(board);
    expect(text).toContain('| ranktower | 0.7440 ± 0.0012 ▲ |');
    expect(text).toContain('| new | 40 | 0.7123 | – |');
    for (const block of text.split('\n\n').filter((part) => part.startsWith('|'))) {
      const columns = block.split('\n').map((row) => row.replaceAll('\\|', '').split('|').length);
      expect(new Set(columns).size).toBe(1);
    }
  });
});
