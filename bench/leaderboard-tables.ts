import { publishedTable } from '../src/leaderboard/report/published-tables.js';
import { costTable, qualityTable, type ReportTable } from '../src/leaderboard/report/tables.js';
import { basis, conclusions, warning } from '../src/leaderboard/report/words.js';
import type { Leaderboard } from '../src/leaderboard/results.js';
import { table } from './markdown.js';
import { readResults } from './results.js';

/** The leaderboards of `docs/leaderboard.md`. */
export const LEADERBOARDS = ['kuairand-pure', 'kuairand-pure-tuned', 'movielens-1m'] as const;

/** A leaderboard's tables with what they say in words; costs stand once for each table. */
export function leaderboard(name: string): string {
  const board = readResults<Leaderboard & { minutes?: Record<string, number> }>(`leaderboard-${name}`);
  if (board === undefined) return 'Not measured yet.';
  const minutes = board.tables.map(({ protocol }) => board.minutes?.[protocol.name] ?? Number.NaN);
  const total = minutes.reduce((a, b) => a + b, 0);
  const each = minutes.map((one) => one.toFixed(1)).join(', ');
  const time = Number.isNaN(total) ? [] : [`All of it took ${total.toFixed(1)} minutes (its tables ${each}).`];
  return [
    ...time,
    ...board.tables.flatMap((one) => [
      `### ${one.protocol.name}`,
      ...warning(one).map((text) => `**${text}**`),
      basis(one),
      ...shown(qualityTable(one)),
      conclusions(one).join(' '),
      ...publishedTable(one).flatMap(shown),
      ...shown(costTable(one)),
    ]),
  ].join('\n\n');
}

const shown = ({ note, rows: [head, ...lines] }: ReportTable): string[] => [
  table(head!, lines),
  ...(note === '' ? [] : [note]),
];
