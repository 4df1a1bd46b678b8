import { type PackedTexts, packTexts, TextReader } from './packed-texts.js';

/** One raw column of every row the artifact brought: numbers (NaN where there is none), texts or lists of texts. */
export type RawColumn = Float64Array | (string | null)[] | ((string | null)[] | null)[];

/** The same in memory that all threads see. A text that comes often is there once; -1 stands for none. */
export type PackedColumn =
  | { kind: 'numbers'; values: Float64Array }
  | { kind: 'texts'; codes: Int32Array; texts: PackedTexts }
  /** Row r has the codes from `starts[r]` to `starts[r + 1]`; `present[r]` is 0 where it has no list. */
  | { kind: 'lists'; starts: Uint32Array; present: Uint8Array; codes: Int32Array; texts: PackedTexts };

export function packColumn(column: RawColumn): PackedColumn {
  if (column instanceof Float64Array) {
    const values = new Float64Array(new SharedArrayBuffer(column.byteLength));
    values.set(column);
    return { kind: 'numbers', values };
  }
  const known = new Map<string, number>();
  const codeOf = (text: string | null) => {
    if (text === null) return -1;
    let code = known.get(text);
    if (code === undefined) {
      code = known.size;
      known.set(text, code);
    }
    return code;
  };
  const rows = column.length;
  if (!isLists(column)) {
    const codes = new Int32Array(new SharedArrayBuffer(4 * rows));
    column.forEach((text, row) => {
      codes[row] = codeOf(text);
    });
    return { kind: 'texts', codes, texts: packTexts([...known.keys()]) };
  }
  const starts = new Uint32Array(new SharedArrayBuffer(4 * (rows + 1)));
  const present = new Uint8Array(new SharedArrayBuffer(rows));
  column.forEach((list, row) => {
    starts[row + 1] = starts[row]! + (list?.length ?? 0);
    present[row] = list === null ? 0 : 1;
  });
  const codes = new Int32Array(new SharedArrayBuffer(4 * starts[rows]!));
  column.forEach((list, row) => {
    list?.forEach((text, i) => {
      codes[starts[row]! + i] = codeOf(text);
    });
  });
  return { kind: 'lists', starts, present, codes, texts: packTexts([...known.keys()]) };
}

function isLists(column: (string | null)[] | ((string | null)[] | null)[]): column is ((string | null)[] | null)[] {
  return column.some(Array.isArray);
}

/** Reads a row's value; undefined where there is none, as in a row the artifact did not bring. */
export function columnReader(column: PackedColumn): (row: number) => unknown {
  if (column.kind === 'numbers') {
    const { values } = column;
    return (row) => (Number.isNaN(values[row]) ? undefined : values[row]);
  }
  const { codes } = column;
  const texts = new TextReader(column.texts);
  const textOf = (code: number) => (code === -1 ? null : texts.at(code));
  if (column.kind === 'texts') {
    return (row) => {
      const code = codes[row] ?? -1;
      return code === -1 ? undefined : texts.at(code);
    };
  }
  const { starts, present } = column;
  return (row) => (present[row] === 1 ? Array.from(codes.subarray(starts[row]!, starts[row + 1]!), textOf) : undefined);
}
