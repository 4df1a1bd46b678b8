import type { RawRecord } from '../data/featurizer.js';
import type { TimeUnit } from '../data/fields/kind.js';
import { secondsFromRaw } from '../data/fields/sql.js';
import { TwoTowerError } from '../errors.js';
import type { Feeds } from '../schema.js';
import { concatStates, type HostState } from '../training/inference.js';
import type { Run } from './open.js';

/**
 * One request as raw values: the columns of the user and of the context side by side, as the dataset has them. Besides these
 *
 * - `histories`: `{ NAME: [{ item, time }, …] }`, the user's earlier events; `item` is an item's raw values, or the value of its id
 *   column where the item is among those given; `time` is in seconds since 1970;
 * - `time`: the time of the request in seconds since 1970, if no column of the context tells it.
 */
export type RawUser = RawRecord;

export interface PredictRequest {
  users: readonly RawUser[];
  /** Items as raw values, columns as the dataset has them. */
  items: readonly RawRecord[];
  /** Which users to score with which items, by position; every user with every item unless given. */
  pairs?: readonly { user: number; item: number }[];
}

export interface Predictions {
  /** Positions in `users` and `items`, [P]. */
  user: Int32Array;
  item: Int32Array;
  /** [P] */
  logits: Float32Array;
  /** The logistic function of the logits, [P]: a probability where the model was trained with `bce`. */
  probabilities: Float64Array;
}

/** Rows that go through a program at once. */
const BLOCK = 4096;

/**
 * Scores raw users and items with nothing but the run folder. Values that training never saw, are missing or of a wrong type
 * count as unknown; nothing about them is an error.
 *
 * @throws USAGE when a pair points outside the lists
 */
export async function predict(run: Run, { users, items, pairs }: PredictRequest): Promise<Predictions> {
  const { user, item } = pairs === undefined ? everyPair(users.length, items.length) : listed(pairs, users, items);
  const logits = new Float32Array(user.length);
  if (user.length > 0) {
    const featurizer = run.featurizer({ itemOf: finder(run, items) });
    const userState = await inBlocks(users, (part) => {
      const feeds = featurizer.encodeUsers({
        users: part,
        contexts: part,
        times: part.map((record) => requestTime(run, record)),
        histories: part.map((record) => record.histories),
      });
      return run.inference.users(feeds);
    });
    const itemState = await inBlocks(items, (part) => run.inference.items(featurizer.encodeItems(part) as Feeds));
    for (let from = 0; from < user.length; from += BLOCK) {
      const to = Math.min(from + BLOCK, user.length);
      logits.set(await run.inference.pairs(userState, itemState, user.slice(from, to), item.slice(from, to)), from);
    }
  }
  return { user, item, logits, probabilities: Float64Array.from(logits, (x) => 1 / (1 + Math.exp(-x))) };
}

/** The column that names a user or item: that of its first field of kind `id`; undefined where it has none. */
export function idColumn({ encoders }: Pick<Run, 'encoders'>, owner: 'user' | 'item'): string | undefined {
  return encoders.fields.find((field) => field.owner === owner && field.kind === 'id')?.column;
}

async function inBlocks<T>(records: readonly T[], run: (part: readonly T[]) => Promise<HostState>): Promise<HostState> {
  const blocks: HostState[] = [];
  for (let from = 0; from < records.length; from += BLOCK) blocks.push(await run(records.slice(from, from + BLOCK)));
  return concatStates(blocks);
}

function everyPair(users: number, items: number) {
  const user = new Int32Array(users * items);
  const item = new Int32Array(users * items);
  for (let p = 0; p < user.length; p++) {
    user[p] = Math.floor(p / items);
    item[p] = p % items;
  }
  return { user, item };
}

function listed(pairs: NonNullable<PredictRequest['pairs']>, users: readonly unknown[], items: readonly unknown[]) {
  pairs.forEach((pair, i) => {
    const within = (at: unknown, length: number) =>
      Number.isInteger(at) && (at as number) >= 0 && (at as number) < length;
    if (!within(pair.user, users.length) || !within(pair.item, items.length)) {
      throw new TwoTowerError(
        'USAGE',
        `pair ${i} is user ${pair.user}, item ${pair.item}, with ${users.length} users and ${items.length} items`,
        'Pairs are positions in the two lists, counted from 0.',
      );
    }
  });
  return { user: Int32Array.from(pairs, ({ user }) => user), item: Int32Array.from(pairs, ({ item }) => item) };
}

/** Finds one of the given items by the value of its id column. */
function finder(run: Run, items: readonly RawRecord[]): (key: unknown) => unknown {
  const column = idColumn(run, 'item');
  if (column === undefined) return () => undefined;
  const byId = new Map(items.map((record) => [String(record[column]), record]));
  // An item that was not given is still known by its id.
  return (key) => byId.get(String(key)) ?? { [column]: key };
}

/** A context field that reads the clock tells the column and unit of the request's time. */
function requestTime({ encoders }: Run, record: RawUser): unknown {
  for (const { owner, column, state } of encoders.fields) {
    const value = record[column];
    if (owner !== 'context' || state.unit === undefined || value === undefined) continue;
    const seconds = secondsFromRaw(value, state.unit as TimeUnit);
    if (Number.isFinite(seconds)) return seconds;
  }
  const { time } = record;
  return typeof time === 'string' && time.trim() !== '' ? Number(time) : time;
}
