import type { Dataset, KeyedTable } from '../data/dataset.js';
import { TwoTowerError } from '../errors.js';

/**
 * For every row of one table the row of another that has the same key, 0 where there is none. Runs may have been fitted on
 * other parts or descriptions of a log: only keys name the same thing in all of them.
 */
export function rowsByKey(from: KeyedTable, to: KeyedTable): Int32Array {
  const rows = new Map(to.keys.map((key, row) => [key, row]));
  rows.set('', 0);
  return Int32Array.from(from.keys, (key) => rows.get(key) ?? 0);
}

/**
 * Checks that event rows mean the same in both datasets: the same user, item and time in every row.
 *
 * @throws RUN_INVALID at the first row that differs
 */
export function checkSameLog(cascade: Dataset, other: Dataset, run: string): void {
  if (cascade.logHash === other.logHash) return;
  const refuse = (how: string) => {
    throw new TwoTowerError(
      'RUN_INVALID',
      `${run} was trained on another log than the cascade's ${cascade.name}: ${how}`,
      'All runs of a cascade must be trained on the same events; fields, labels and splits may differ.',
    );
  };
  const [a, b] = [cascade.events, other.events];
  if (a.count !== b.count) refuse(`${b.count} events instead of ${a.count}`);
  for (let row = 0; row < a.count; row++) {
    const [time, otherTime] = [a.time[row]!, b.time[row]!];
    if (time !== otherTime) refuse(`event ${row + 1} is of ${otherTime} instead of ${time} seconds since 1970`);
    for (const [what, table, otherTable] of [
      ['user', cascade.users, other.users],
      ['item', cascade.items, other.items],
    ] as const) {
      const [key, otherKey] = [table.keys[a[what][row]!], otherTable.keys[b[what][row]!]];
      if (key !== otherKey) refuse(`event ${row + 1} is of ${what} ${otherKey} instead of ${key}`);
    }
  }
}
