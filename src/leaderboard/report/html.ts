import { escapeHtml } from '../../charts/escape.js';
import { page, tableHtml } from '../../charts/page.js';
import { titleOf } from '../protocols.js';
import type { Leaderboard, TableResult } from '../results.js';
import { calibrationChart, costCharts, curveChart, differenceChart } from './charts.js';
import { funnelCharts } from './funnel-charts.js';
import { gainsTable, publishedTable } from './published-tables.js';
import {
  costTable,
  differencesTable,
  placesTable,
  qualityTable,
  type ReportTable,
  sliceTables,
  titled,
} from './tables.js';
import { basis, conclusions, madeWith, warning } from './words.js';

/** A leaderboard as one HTML file that needs nothing else. */
export function leaderboardHtml(board: Leaderboard): string {
  const overall = placesTable(board);
  const links = board.tables.map(
    ({ protocol }) => `<a href="#${anchor(protocol.name)}">${escapeHtml(titleOf(protocol))}</a>`,
  );
  return page({
    title: board.title,
    body: [
      `<h1>${escapeHtml(board.title)}</h1>`,
      ...(links.length > 1 ? [`<nav>${links.join('\n')}</nav>`] : []),
      ...gainsTable(board).map(section),
      ...(overall === undefined ? [] : [section(overall)]),
      ...board.tables.map((table, i) => tableSection(table, board, `t${i}`)),
    ],
    footer: madeWith(board),
  });
}

function tableSection(table: TableResult, board: Leaderboard, id: string): string {
  const { protocol } = table;
  const quality = qualityTable(table);
  const differences = differencesTable(table, board);
  const slices = sliceTables(table);
  return [
    `<section><h2 id="${anchor(protocol.name)}">${escapeHtml(titleOf(protocol))}</h2>`,
    ...warning(table).map((text) => `<p class="warning">${escapeHtml(text)}</p>`),
    ...(protocol.about === '' ? [] : [paragraph(protocol.about)]),
    `<p class="note">${escapeHtml(basis(table))}</p>`,
    tableHtml(quality.title, quality.rows),
    `<p class="note">${escapeHtml(quality.note)}</p>`,
    ...conclusions(table).map(paragraph),
    ...publishedTable(table).map(section),
    ...differenceChart(table, differences, `${id}-differences`),
    ...funnelCharts(table, `${id}-funnel`),
    ...costCharts(table, `${id}-cost`),
    section(costTable(table)),
    ...curveChart(table, `${id}-curves`),
    ...calibrationChart(table, `${id}-calibration`),
    ...(slices.length === 0
      ? []
      : [
          `<h3>${titled(`Slices: ${escapeHtml(protocol.metrics[0]!)}`, protocol)}</h3>`,
          ...slices.map((one) => tableHtml(one.title, one.rows)),
        ]),
    '</section>',
  ].join('\n');
}

function section({ title, note, rows }: ReportTable): string {
  return `<h3>${escapeHtml(title)}</h3>\n${tableHtml(title, rows)}\n<p class="note">${escapeHtml(note)}</p>`;
}

function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`;
}

function anchor(name: string): string {
  return name.replaceAll(/[^\w-]/g, '-');
}
