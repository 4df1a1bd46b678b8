import { appendFileSync, closeSync, openSync, readSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { TwoTowerError } from '../../errors.js';
import { arraysOf, type EventColumns, type EventLayout, emptyColumns } from '../event-columns.js';

type Numbers = Int32Array | Float32Array | Float64Array;

/** Bytes of the length in front of a frame. */
const HEAD = 8;

/** Appends the events `from` to `to` to a window's file as one frame: their columns, one after another. */
export function appendFrame(file: string, columns: EventColumns, from: number, to: number): void {
  const frame = serialize(arraysOf(columns).map(({ values, width }) => values.subarray(from * width, to * width)));
  const head = Buffer.alloc(HEAD);
  head.writeDoubleLE(frame.length);
  appendFileSync(file, Buffer.concat([head, frame]));
}

/** The events of a window's file, in the order in which they were appended. @throws DATA_SOURCE where it is damaged */
export function readFrames(file: string, layout: EventLayout, count: number): EventColumns {
  const columns = emptyColumns(layout, count);
  const into = arraysOf(columns);
  let filled = 0;
  for (const frame of frames(file)) {
    const rows = frame[0]?.length ?? 0;
    if (frame.length !== into.length || rows === 0 || filled + rows > count) throw damaged(file);
    into.forEach(({ values, width }, i) => {
      values.set(frame[i]!, filled * width);
    });
    filled += rows;
  }
  if (filled !== count) throw damaged(file);
  return columns;
}

function* frames(file: string): Generator<Numbers[]> {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    throw damaged(file);
  }
  try {
    const head = Buffer.alloc(HEAD);
    for (let read = readSync(descriptor, head); read > 0; read = readSync(descriptor, head)) {
      const length = read === HEAD ? head.readDoubleLE() : Number.NaN;
      if (!(length > 0 && length < 2 ** 32)) throw damaged(file);
      const frame = Buffer.alloc(length);
      if (readSync(descriptor, frame) !== length) throw damaged(file);
      yield deserialize(frame) as Numbers[];
    }
  } finally {
    closeSync(descriptor);
  }
}

function damaged(file: string): TwoTowerError {
  return new TwoTowerError(
    'DATA_SOURCE',
    `${file} is missing or damaged: it is not the window that was prepared`,
    'Remove its folder: the windows are prepared anew.',
  );
}
