import { expect, test } from 'vitest';
import type { KeyedTable } from '../data/dataset.js';
import { generateDataset } from '../data/generate.js';
import { checkSameLog, rowsByKey } from './align.js';

const table = (...keys: string[]): KeyedTable => ({
  count: keys.length + 1,
  columns: new Map(),
  keys: ['', ...keys],
  display: new Map(),
});

test('rows are found by key, 0 where there is none', () => {
  expect([...rowsByKey(table('a', 'b', 'c'), table('c', 'x', 'a'))]).toEqual([0, 3, 0, 1]);
});

test('a log may be encoded otherwise, but not differ in user, item or time', () => {
  const log = generateDataset({ events: 50, users: 8, items: 9 });
  const renumber = (rows: Int32Array, count: number) => rows.map((row) => (row === 0 ? 0 : count - row));
  const turned = (keys: string[]) => ['', ...keys.slice(1).reverse()];
  const other = {
    ...log,
    logHash: 'other',
    users: { ...log.users, keys: turned(log.users.keys) },
    items: { ...log.items, keys: turned(log.items.keys) },
    events: {
      ...log.events,
      user: renumber(log.events.user, log.users.count),
      item: renumber(log.events.item, log.items.count),
    },
  };
  expect(() => checkSameLog(log, other, 'runs/a')).not.toThrow();

  const unlike = (change: Partial<typeof log.events>) => ({ ...other, events: { ...other.events, ...change } });
  const moved = other.events.item.slice();
  moved[7] = (moved[7]! % (log.items.count - 1)) + 1;
  expect(() => checkSameLog(log, unlike({ item: moved }), 'runs/a')).toThrow(
    /runs\/a .* event 8 is of item i\d+ instead of i\d+/,
  );
  expect(() => checkSameLog(log, unlike({ time: log.events.time.map((t) => t + 1) }), 'runs/a')).toThrow(
    'event 1 is of',
  );
  expect(() => checkSameLog(log, unlike({ count: 49 }), 'runs/a')).toThrow('49 events instead of 50');
});
