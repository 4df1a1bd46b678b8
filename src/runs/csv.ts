import { TwoTowerError } from '../errors.js';

/**
 * Reads delimited text whose first line names the columns (RFC 4180: quotes may hold delimiters, line ends and doubled quotes).
 * Values are text; an empty unquoted cell is null. Empty lines are left out.
 *
 * @throws DATA_COLUMN where two columns have one name, DATA_VALUE naming the line with more or fewer cells than columns, or the quote that never ends
 */
export function parseCsv(text: string, delimiter: string, file: string): Record<string, string | null>[] {
  const [header, ...rows] = cellsOf(text.replace(/^\uFEFF/, ''), delimiter, file);
  if (header === undefined) return [];
  const names = header.cells.map((cell) => cell ?? '');
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new TwoTowerError('DATA_COLUMN', `${file}:1: two columns are named "${twice}"`, 'Give each its own name.');
  }
  return rows.map(({ line, cells }) => {
    if (cells.length !== names.length) {
      throw new TwoTowerError(
        'DATA_VALUE',
        `${file}:${line}: ${cells.length} values where ${names.length} columns are named`,
        'Correct the line.',
      );
    }
    return Object.fromEntries(names.map((name, i) => [name, cells[i]!]));
  });
}

interface Row {
  /** From 1. */
  line: number;
  cells: (string | null)[];
}

function cellsOf(text: string, delimiter: string, file: string): Row[] {
  const rows: Row[] = [];
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const row: Row = { line, cells: [] };
    for (;;) {
      if (text[at] === '"') {
        const { value, end } = quoted(text, at, `${file}:${line}`);
        line += value.split('\n').length - 1;
        row.cells.push(value);
        at = end;
      } else {
        const start = at;
        while (at < text.length && text[at] !== delimiter && text[at] !== '\n' && text[at] !== '\r') at++;
        row.cells.push(at === start ? null : text.slice(start, at));
      }
      if (text[at] !== delimiter) break;
      at++;
    }
    if (text[at] === '\r') at++;
    if (at < text.length && text[at] !== '\n') {
      throw new TwoTowerError(
        'DATA_VALUE',
        `${file}:${line}: text follows a closing quote`,
        'Double quotes inside quotes.',
      );
    }
    at++;
    line++;
    if (row.cells.length > 1 || row.cells[0] !== null) rows.push(row);
  }
  return rows;
}

/** The value between the quote at `start` and its end. */
function quoted(text: string, start: number, place: string): { value: string; end: number } {
  let end = start + 1;
  for (;;) {
    end = text.indexOf('"', end);
    if (end === -1) throw new TwoTowerError('DATA_VALUE', `${place}: a quote is not closed`, 'Close it.');
    if (text[end + 1] !== '"') break;
    end += 2;
  }
  return { value: text.slice(start + 1, end).replaceAll('""', '"'), end: end + 1 };
}
