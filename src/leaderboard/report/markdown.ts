import { titleOf } from '../protocols.js';
import type { Leaderboard } from '../results.js';
import { gainsTable, publishedTable } from './published-tables.js';
import { costTable, differencesTable, placesTable, qualityTable, type ReportTable, sliceTables } from './tables.js';
import { basis, conclusions, madeWith, warning } from './words.js';

/** A leaderboard as Markdown. */
export function leaderboardMarkdown(board: Leaderboard): string {
  const overall = placesTable(board);
  return [
    `# ${board.title}`,
    ...gainsTable(board).flatMap((one) => section(one, true)),
    ...board.tables.flatMap((table) => [
      `## ${titleOf(table.protocol)}`,
      ...warning(table).map((text) => `**${text}**`),
      ...(table.protocol.about === '' ? [] : [table.protocol.about]),
      basis(table),
      ...section(qualityTable(table), table.protocol.pipeline !== undefined),
      ...conclusions(table),
      ...publishedTable(table).flatMap((one) => section(one, true)),
      ...section(differencesTable(table, board), true),
      ...section(costTable(table), true),
      ...sliceTables(table).flatMap((one) => section(one, true)),
    ]),
    ...(overall === undefined ? [] : section({ ...overall, title: overall.title }, true)),
    madeWith(board),
    '',
  ].join('\n\n');
}

function section({ title, note, rows: [header, ...body] }: ReportTable, titled = false): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
  const table = [line(header!), line(header!.map((_, column) => (column === 0 ? '---' : '---:'))), ...body.map(line)];
  return [...(titled ? [`### ${title}`] : []), table.join('\n'), ...(note === '' ? [] : [note])];
}
