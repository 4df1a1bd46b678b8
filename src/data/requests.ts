import type { Dataset, EncodedColumn, EventTable } from './dataset.js';

/** Which events belong to one request, and what a request is as of when. */
export interface RequestIndex {
  /** The number that events of one request share: a user row, or the event that speaks for the request's context. */
  key: (event: number) => number;
  /** The event whose time the request has: the request's first. */
  first: (event: number) => number;
}

/**
 * How the events of a data set group into requests.
 *
 * With neither context features nor histories nothing but the user matters, and a user is one request. Otherwise events with
 * the same request number and the same user are one request, as of the time of the earliest of them, so that no history holds
 * what the request itself brought about. Events of a request that differ in an encoded context feature become separate
 * requests of that same time. A log without request numbers has one request per event.
 */
export function indexRequests(dataset: Dataset): RequestIndex {
  const { events, schema } = dataset;
  if (schema.context.length === 0 && schema.histories.length === 0) {
    return { key: (event) => events.user[event]!, first: (event) => event };
  }
  const numbers = events.request;
  if (numbers === undefined) return { key: (event) => event, first: (event) => event };

  const { user } = events;
  const sameRequest = (a: number, b: number) => numbers[a] === numbers[b] && user[a] === user[b];
  const hash = (event: number) => Math.imul(numbers[event]!, 0x9e3779b1) ^ Math.imul(user[event]!, 0x85ebca6b);
  const first = leaders(events.count, hash, sameRequest);
  const present = contextColumns(dataset);
  if (uniformWithin(first, present)) return { key: (event) => first[event]!, first: (event) => first[event]! };

  const key = leaders(
    events.count,
    (event) => first[event]! + contextHash(present, event),
    (a, b) => first[a] === first[b] && present.every((column) => sameValue(column, a, b)),
  );
  return { key: (event) => key[event]!, first: (event) => first[event]! };
}

/** The encoded context features that the events have. */
export function contextColumns({ events, schema }: Dataset): EncodedColumn[] {
  const columns = schema.context.map((feature) => events.context.columns.get(feature.name));
  return columns.filter((column) => column !== undefined);
}

/** For every row of `count` the first row it equals: hashing over typed arrays, as a Map of 20 million entries would not fit. */
export function leaders(
  count: EventTable['count'],
  hash: (row: number) => number,
  same: (a: number, b: number) => boolean,
): Int32Array {
  const leader = new Int32Array(count);
  let slots = new Int32Array(1024).fill(-1);
  let distinct = 0;
  const find = (row: number) => {
    const mask = slots.length - 1;
    let mixed = Math.imul(hash(row), 0x2c1b3c6d);
    mixed ^= mixed >>> 15;
    let slot = mixed & mask;
    while (slots[slot] !== -1 && !same(slots[slot]!, row)) slot = (slot + 1) & mask;
    return slot;
  };
  for (let row = 0; row < count; row++) {
    const slot = find(row);
    const holder = slots[slot]!;
    if (holder !== -1) {
      leader[row] = holder;
      continue;
    }
    slots[slot] = row;
    leader[row] = row;
    distinct += 1;
    if (distinct * 2 > slots.length) {
      const kept = slots.filter((entry) => entry !== -1);
      slots = new Int32Array(slots.length * 2).fill(-1);
      for (const entry of kept) slots[find(entry)] = entry;
    }
  }
  return leader;
}

function uniformWithin(first: Int32Array, columns: EncodedColumn[]): boolean {
  for (let row = 0; row < first.length; row++) {
    const leader = first[row]!;
    if (leader !== row && !columns.every((column) => sameValue(column, leader, row))) return false;
  }
  return true;
}

export function sameValue(column: EncodedColumn, a: number, b: number): boolean {
  if (column.encoding === 'id') return column.rows[a] === column.rows[b];
  if (column.encoding === 'ids' && column.lengths[a] !== column.lengths[b]) return false;
  const width = column.encoding === 'ids' ? column.maxLength : column.width;
  const values = column.encoding === 'ids' ? column.rows : column.values;
  for (let k = 0; k < width; k++) {
    if (values[a * width + k] !== values[b * width + k]) return false;
  }
  return true;
}

function contextHash(columns: EncodedColumn[], row: number): number {
  let hash = 0;
  for (const column of columns) {
    if (column.encoding === 'id') hash = Math.imul(hash ^ column.rows[row]!, 0x85ebca6b);
  }
  return hash;
}
