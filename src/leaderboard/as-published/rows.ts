import type { Dataset } from '../../data/dataset.js';
import { TwoTowerError } from '../../errors.js';
import { Random } from '../../random.js';

/** What the published pipeline makes of a log of ratings: rows as it leaves them, in its order. */
export interface PublishedRows {
  /** Row of the dataset's events. */
  event: Uint32Array;
  /** 1 where the rating is above three. */
  label: Uint8Array;
  /** 0 training, 1 validation, 2 test. */
  part: Uint8Array;
  /** Mean labels by row of the user table, in training (validation included) and in test; NaN where the user has no row there. */
  userMean: LeakedMeans;
  itemMean: LeakedMeans;
}

/** One value for every user or item, as the rows of either side of the split see it. */
export interface LeakedMeans {
  train: Float64Array;
  test: Float64Array;
}

const TEST_SHARE = 0.2;
const VALIDATION_SHARE = 0.2;
const DROPPED_RATING = 3;

/**
 * The data of IntTower's public MovieLens-1M script, its leaks included:
 *
 * 1. Ratings of three are dropped; the label is whether a rating is above three.
 * 2. A fifth of the rows, at random, is the test part.
 * 3. In either part users without a positive are dropped, and the mean label of every user and item is computed over the part's own
 *    rows. In the test part these features are made of the labels that are to be predicted.
 * 4. The last fifth of the training rows in the order of the items is the validation part, which shares next to no item with the rest.
 * 5. The means are scaled to 0…1 by the least and greatest of the test part.
 *
 * @param seed of the random split
 * @throws CONFIG_INVALID where the dataset has no feedback `rating`
 */
export function publishedRows(dataset: Dataset, seed: number): PublishedRows {
  const ratings = dataset.events.feedback.get('rating');
  if (ratings === undefined) {
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `pipeline: ${dataset.name} has no feedback "rating", but ${[...dataset.events.feedback.keys()].join(', ')}`,
      'It is made for logs of ratings from one to five, such as movielens-1m.',
    );
  }
  const liked = (event: number) => (ratings[event]! > DROPPED_RATING ? 1 : 0);
  const all = Uint32Array.from(ratings.keys()).filter((event) => ratings[event] !== DROPPED_RATING);
  Random.of(seed, 'published split').shuffle(all);
  const tested = Math.ceil(all.length * TEST_SHARE);
  const { users, items } = dataset;
  const { user, item } = dataset.events;

  const test = withPositive(all.subarray(0, tested), user, users.count, liked);
  const train = withPositive(all.subarray(tested), user, users.count, liked);
  const order = inKeyOrder(items.keys);
  train.sort((a, b) => order[item[a]!]! - order[item[b]!]! || a - b);
  const fitted = Math.floor(train.length * (1 - VALIDATION_SHARE));

  const event = new Uint32Array(train.length + test.length);
  event.set(train);
  event.set(test, train.length);
  const means = (of: Int32Array, count: number) => {
    const [onTrain, onTest] = [train, test].map((rows) => meanLabels(rows, of, count, liked));
    return scaledByTest({ train: onTrain!, test: onTest! });
  };
  return {
    event,
    label: Uint8Array.from(event, liked),
    part: Uint8Array.from(event, (_, row) => (row < fitted ? 0 : row < train.length ? 1 : 2)),
    userMean: means(user, users.count),
    itemMean: means(item, items.count),
  };
}

/** The rows of users who liked anything in them. */
function withPositive(
  rows: Uint32Array,
  user: Int32Array,
  users: number,
  liked: (event: number) => number,
): Uint32Array {
  const happy = new Uint8Array(users);
  for (const event of rows) if (liked(event) === 1) happy[user[event]!] = 1;
  return rows.filter((event) => happy[user[event]!] === 1);
}

function meanLabels(rows: Uint32Array, of: Int32Array, count: number, liked: (event: number) => number): Float64Array {
  const sums = new Float64Array(count);
  const counts = new Float64Array(count);
  for (const event of rows) {
    sums[of[event]!]! += liked(event);
    counts[of[event]!]!++;
  }
  return sums.map((sum, row) => sum / counts[row]!);
}

/** The scaler that the script fits on its training part, fits again on its test part, and then applies to both. */
function scaledByTest({ train, test }: LeakedMeans): LeakedMeans {
  const known = test.filter((value) => !Number.isNaN(value));
  const least = known.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const greatest = known.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const span = greatest > least ? greatest - least : 1;
  const scale = (values: Float64Array) => values.map((value) => (value - least) / span);
  return { train: scale(train), test: scale(test) };
}

/** By row: its place among the keys, numbers in the order of numbers. */
function inKeyOrder(keys: readonly string[]): Float64Array {
  const collator = new Intl.Collator('en', { numeric: true });
  const places = new Float64Array(keys.length);
  Array.from(keys.keys())
    .sort((a, b) => collator.compare(keys[a]!, keys[b]!) || a - b)
    .forEach((row, place) => {
      places[row] = place;
    });
  return places;
}
