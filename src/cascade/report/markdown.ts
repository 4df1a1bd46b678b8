import type { FunnelReport } from '../evaluate.js';
import { introduction, reportTables } from './text.js';
import type { ReportTable } from './words.js';

/** The report as Markdown. */
export function reportMarkdown(report: FunnelReport): string {
  const { environment } = report;
  return [
    `# Funnel report: ${report.dataset}`,
    '',
    ...introduction(report).flatMap((line) => [line, '']),
    ...reportTables(report).flatMap(section),
    `twotower ${environment.twotower}, node ${environment.node}, ONNX Runtime ${environment.onnxruntime}, ${environment.cores} cores of ${environment.cpu}. Log ${report.logHash.slice(0, 12)}.`,
    '',
  ].join('\n');
}

function section({ title, note, rows: [header, ...body] }: ReportTable): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    `## ${title}`,
    '',
    line(header!),
    line(header!.map((_, column) => (column === 0 ? '---' : '---:'))),
    ...body.map(line),
    '',
    ...(note === '' ? [] : [note, '']),
  ];
}
