import type { Dataset, EncodedColumn } from '../data/dataset.js';
import { generateDataset } from '../data/generate.js';
import type { Feature, Owner } from '../schema.js';

/** Pairs of a training step on the toy data. */
export const TOY_BATCH = 64;
const TOPICS = 5;
const MAX_TOPICS = 2;

/**
 * A small learnable log in which users, items and past items have features of every encoding, and contexts an id and a number.
 * The training part leaves a single event for the last batch of an epoch.
 */
export function toyDataset(): Dataset {
  const { schema, users, items, events, splits, ...rest } = generateDataset({
    users: 24,
    items: 18,
    events: 420,
    eventsPerRequest: 3,
    historyLength: 4,
  });
  const price = numbers('item', 'price', 2, items.count, (i, k) => Math.sin(3 * i + k));
  const topics = ids('user', 'topics', users.count);
  const patience = numbers('context', 'patience', 1, events.count, (row) => Math.cos(events.request![row]!));
  const [itemId, genres] = schema.item as [Feature, Feature];
  return {
    ...rest,
    schema: {
      user: [...schema.user, topics.feature],
      item: [itemId, genres, price.feature],
      context: [...schema.context, patience.feature],
      histories: schema.histories.map((history) => ({ ...history, features: [itemId, genres, price.feature] })),
    },
    users: { ...users, columns: new Map(users.columns).set('topics', topics.column) },
    items: { ...items, columns: new Map(items.columns).set('price', price.column) },
    events: {
      ...events,
      context: { ...events.context, columns: new Map(events.context.columns).set('patience', patience.column) },
    },
    splits: {
      ...splits,
      train: splits.train.subarray(-1 - TOY_BATCH * Math.floor((splits.train.length - 1) / TOY_BATCH)),
    },
  };
}

interface Column {
  feature: Feature;
  column: EncodedColumn;
}

function numbers(
  owner: Owner,
  name: string,
  width: number,
  rows: number,
  value: (row: number, k: number) => number,
): Column {
  const values = Float32Array.from({ length: rows * width }, (_, at) => value(Math.floor(at / width), at % width));
  return { feature: { name, owner, encoding: 'numbers', width }, column: { encoding: 'numbers', width, values } };
}

/** None, one or two ids for each row. */
function ids(owner: Owner, name: string, count: number): Column {
  const rows = new Int32Array(count * MAX_TOPICS);
  const lengths = Int32Array.from({ length: count }, (_, row) => (row === 0 ? 0 : (row * 7) % (MAX_TOPICS + 1)));
  lengths.forEach((length, row) => {
    for (let k = 0; k < length; k++) rows[row * MAX_TOPICS + k] = 1 + ((row * 5 + k) % TOPICS);
  });
  return {
    feature: { name, owner, encoding: 'ids', vocabulary: `${owner}.${name}`, size: TOPICS + 1, maxLength: MAX_TOPICS },
    column: { encoding: 'ids', rows, lengths, maxLength: MAX_TOPICS },
  };
}
