import { stripVTControlCharacters } from 'node:util';

export type Cell = string | number | undefined;

const MEASURE = /^-?\d[\d,]*(\.\d+)?( ?(%|s|B|kB|MB))?$|^undefined$/;

/**
 * Rows as aligned text, the first one being the header. A column whose other cells are all numbers, with
 * their unit if any (or `undefined`, shown as `–`), is aligned to the right. Numbers are shown as they are: round before, or pass text.
 */
export function table(rows: readonly (readonly Cell[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const texts = rows.map((row) => Array.from({ length: columns }, (_, column) => textOf(row[column])));
  const widths = Array.from({ length: columns }, (_, column) => Math.max(...texts.map((row) => widthOf(row[column]!))));
  const right = widths.map((_, column) => {
    const cells = rows.slice(1).map((row) => row[column]);
    return cells.length > 0 && cells.every((cell) => typeof cell !== 'string' || MEASURE.test(cell));
  });
  const line = (row: string[]) =>
    row
      .map((text, column) => {
        const space = ' '.repeat(widths[column]! - widthOf(text));
        return right[column] ? space + text : text + space;
      })
      .join('  ')
      .trimEnd();
  const [header, ...body] = texts.map(line);
  if (header === undefined) return '';
  return [header, widths.map((width) => '─'.repeat(width)).join('  '), ...body].join('\n');
}

function textOf(cell: Cell): string {
  return cell === undefined ? '–' : String(cell);
}

function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}
