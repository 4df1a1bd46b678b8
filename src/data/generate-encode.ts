import type { IdFeature, Owner } from '../schema.js';
import type { HistoryLog, VocabularyState } from './dataset.js';
import type { DrawnLog } from './generate-draw.js';

/** Rows whose value is wanted, ascending. */
export function rowsWhere(values: Float64Array | Float32Array, keep: (value: number) => boolean): Uint32Array {
  const rows: number[] = [];
  values.forEach((value, row) => {
    if (keep(value)) rows.push(row);
  });
  return Uint32Array.from(rows);
}

/** A vocabulary in the order of the alphabet, with the events in which each value occurs. */
export function countVocabulary(events: string[][]): VocabularyState {
  const counts = new Map<string, number>();
  for (const values of events) for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const values = [...counts.keys()].sort((a, b) => (a < b ? -1 : 1));
  return { values, counts: [0, ...values.map((value) => counts.get(value) ?? 0)] };
}

/** Row of a value, 0 where it is unknown. */
export function rowOf(vocabulary: VocabularyState, value: string): number {
  return vocabulary.values.indexOf(value) + 1;
}

/** A field of one value with a vocabulary of its own. */
export function idFeature(owner: Owner, name: string, vocabulary: VocabularyState): IdFeature {
  return { name, owner, encoding: 'id', vocabulary: `${owner}.${name}`, size: vocabulary.values.length + 1 };
}

/** Every user's clicks, in time order. */
export function positives(log: DrawnLog, maxLength: number): HistoryLog {
  const rows = rowsWhere(log.click, (click) => click > 0);
  const offsets = new Uint32Array(log.users + 2);
  for (const row of rows) offsets[(log.eventUser[row] ?? 0) + 1]! += 1;
  for (let u = 0; u <= log.users; u++) offsets[u + 1]! += offsets[u]!;
  const next = offsets.slice();
  const item = new Int32Array(rows.length);
  const time = new Float64Array(rows.length);
  for (const row of rows) {
    const at = next[log.eventUser[row] ?? 0]!++;
    item[at] = log.eventItem[row] ?? 0;
    time[at] = log.time[row] ?? 0;
  }
  return { name: 'clicks', maxLength, offsets, item, time };
}
