import { expect, test } from 'vitest';
import { generateDataset, generateWithRecords } from './generate.js';

test('the same options give the same log, another seed another one', () => {
  expect(generateDataset({ events: 200 })).toEqual(generateDataset({ events: 200 }));
  expect(generateDataset({ events: 200 })).not.toEqual(generateDataset({ events: 200, seed: 2 }));
});

test('events are in time order and the splits follow the time', () => {
  const { events, splits } = generateDataset();
  expect([...events.time].every((time, row, all) => row === 0 || all[row - 1]! <= time)).toBe(true);
  const { train, validation, test } = splits;
  expect([...train, ...validation, ...test]).toEqual(Array.from({ length: events.count }, (_, row) => row));
  const last = (rows: Uint32Array) => events.time[rows[rows.length - 1]!]!;
  expect(last(train)).toBeLessThan(events.time[validation[0]!]!);
  expect(last(validation)).toBeLessThan(events.time[test[0]!]!);
});

test('columns fit the tables and the schema', () => {
  const { schema, users, items, events } = generateDataset();
  for (const [features, table] of [
    [schema.user, users],
    [schema.item, items],
    [schema.context, events.context],
  ] as const) {
    for (const feature of features) {
      const column = table.columns.get(feature.name)!;
      expect(column.encoding).toBe(feature.encoding);
      if (column.encoding === 'numbers' || feature.encoding === 'numbers') continue;
      expect(column.rows).toHaveLength(table.count * (column.encoding === 'ids' ? column.maxLength : 1));
      expect(Math.max(...column.rows)).toBe(feature.size - 1);
    }
  }
});

test('the history holds exactly the clicks, per user and in time order', () => {
  const { events, histories, users } = generateDataset({ events: 500 });
  const { offsets, item, time } = histories[0]!;
  const click = events.feedback.get('click')!;
  for (let user = 0; user < users.count; user++) {
    const expected: [number, number][] = [];
    events.user.forEach((u, row) => {
      if (u === user && click[row] === 1) expected.push([events.item[row]!, events.time[row]!]);
    });
    const found = [...item.subarray(offsets[user], offsets[user + 1])].map((i, k) => [i, time[offsets[user]! + k]]);
    expect(found).toEqual(expected);
  }
});

/** Share of (clicked, not clicked) pairs of one user's events that the score puts in the right order. */
function withinUserOrder(dataset: ReturnType<typeof generateDataset>, score: (row: number) => number): number {
  const { events } = dataset;
  const click = events.feedback.get('click')!;
  let right = 0;
  let pairs = 0;
  for (let a = 0; a < events.count; a++) {
    for (let b = 0; b < events.count; b++) {
      if (events.user[a] !== events.user[b] || click[a] !== 1 || click[b] !== 0) continue;
      pairs += 1;
      right += score(a) > score(b) ? 1 : score(a) === score(b) ? 0.5 : 0;
    }
  }
  return right / pairs;
}

test('there is something to learn, unless the signal is off', () => {
  const learnable = (signal: number) => {
    const dataset = generateDataset({ users: 20, events: 2000, signal });
    const { events } = dataset;
    const click = events.feedback.get('click')!;
    const tags = dataset.items.columns.get('genres')!;
    if (tags.encoding !== 'ids') throw new Error('genres are ids');
    // Each user's click rate per genre, looked up in hindsight.
    const key = (row: number, k: number) => events.user[row]! * 10 + tags.rows[events.item[row]! * tags.maxLength + k]!;
    const clicks = new Float64Array(1000);
    const shown = new Float64Array(1000);
    for (let row = 0; row < events.count; row++) {
      clicks[key(row, 0)]! += click[row]!;
      shown[key(row, 0)]! += 1;
    }
    return withinUserOrder(dataset, (row) => clicks[key(row, 0)]! / shown[key(row, 0)]!);
  };
  expect(learnable(1)).toBeGreaterThan(0.7);
  expect(learnable(0)).toBeLessThan(0.62);
});

test('the raw records are what the tables were encoded from', () => {
  const { dataset, records } = generateWithRecords({ events: 300 });
  expect(records.users).toHaveLength(dataset.users.count);
  expect(records.items).toHaveLength(dataset.items.count);
  expect(records.contexts).toHaveLength(dataset.events.count);
  const genres = dataset.items.columns.get('genres')!;
  if (genres.encoding !== 'ids') throw new Error('genres are ids');
  const vocabulary = dataset.encoders.vocabularies['item.genres']!.values;
  records.items.forEach((record, item) => {
    const rows = genres.rows.subarray(item * 3, item * 3 + genres.lengths[item]!);
    expect(Array.from(rows, (row) => vocabulary[row - 1])).toEqual(record.genres ?? []);
  });
});
