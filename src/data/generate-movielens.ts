import { Random } from '../random.js';
import type { Feature, IdFeature, IdsFeature, NumbersFeature, Owner } from '../schema.js';
import type { Dataset, EncodedColumn, EncoderState, HistoryLog } from './dataset.js';
import { popularitySampler } from './sampling.js';

const USERS = 6040;
const ITEMS = 3706;
const EVENTS = 1_000_209;
const GENRES = 18;
const MAX_GENRES = 6;
const START = 956703932; // The first rating of MovieLens-1M, April 2000.
const SPAN = 1040 * 86400;
const FACTORS = 8;

export interface MovieLensShapeOptions {
  seed?: number;
  /** 1,000,209 unless given. */
  events?: number;
  /** Longest history of `liked`; 0, the default, makes none. */
  historyLength?: number;
}

/**
 * An invented log of MovieLens-1M's shape, for benches: 6,040 users, 3,706 items of Zipf-like popularity, 1,000,209 events in
 * time order, split 80/10/10 by time. User fields: `user_id`, `gender`, `age`, `occupation` (ids), `mean_rating` (numbers);
 * item fields: `item_id` (id), `genres` (ids, up to 6 of 18), `popularity` (numbers). Label: `liked`, with tastes to learn.
 */
export function generateMovieLensShape(options: MovieLensShapeOptions = {}): Dataset {
  const seed = options.seed ?? 1;
  const count = options.events ?? EVENTS;
  const random = (what: string) => Random.of(seed, 'movielens-shape', what);

  const genres = drawGenres(random('genres'));
  const events = drawEvents(random('events'), seed, count);
  const splits = {
    train: range(0, Math.floor(count * 0.8)),
    validation: range(Math.floor(count * 0.8), Math.floor(count * 0.9)),
    test: range(Math.floor(count * 0.9), count),
  };
  const fields = new Fields();
  fields.id('user', 'user_id', USERS, rowNumbers(USERS));
  fields.id('user', 'gender', 2, codes(USERS, 2, random('gender')));
  fields.id('user', 'age', 7, codes(USERS, 7, random('age')));
  fields.id('user', 'occupation', 21, codes(USERS, 21, random('occupation')));
  fields.numbers('user', 'mean_rating', normals(USERS, random('mean_rating')));
  fields.id('item', 'item_id', ITEMS, rowNumbers(ITEMS));
  fields.ids('item', 'genres', GENRES, genres);
  fields.numbers('item', 'popularity', normals(ITEMS, random('popularity')));

  const length = options.historyLength ?? 0;
  const histories = length === 0 ? [] : [likedHistory(events, length)];
  const seen = fields.features.item.filter((feature) => feature.encoding !== 'numbers');
  return {
    name: 'movielens-1m-shape',
    schema: {
      user: fields.features.user,
      item: fields.features.item,
      context: [],
      histories: histories.map(({ name, maxLength }) => ({ name, maxLength, features: seen })),
    },
    users: { count: USERS + 1, keys: keys(USERS), display: new Map(), columns: fields.columns.user },
    items: { count: ITEMS + 1, keys: keys(ITEMS), display: new Map(), columns: fields.columns.item },
    events: {
      count,
      user: events.user,
      item: events.item,
      time: events.time,
      feedback: new Map([['liked', events.liked]]),
      stage: Uint8Array.from(events.liked, (liked) => (liked > 0 ? 3 : 2)),
      context: { count, columns: new Map() },
    },
    histories,
    label: 'liked',
    stages: ['corpus', 'candidate', 'shown', 'liked'],
    shown: 2,
    splits,
    encoders: fields.encoders,
    hash: seed.toString(16).padStart(64, '0'),
    logHash: seed.toString(16).padStart(64, '0'),
  };
}

/** Collects columns, schema and encoders. Every vocabulary's values are the numbers 1 to n, whose row is the number itself. */
class Fields {
  readonly features: Record<Owner, Feature[]> = { user: [], item: [], context: [] };
  readonly columns: Record<Owner, Map<string, EncodedColumn>> = {
    user: new Map(),
    item: new Map(),
    context: new Map(),
  };
  readonly encoders: EncoderState = { version: 1, fields: [], vocabularies: {} };

  id(owner: Owner, name: string, values: number, rows: Int32Array): void {
    const feature: IdFeature = { name, owner, ...this.vocabulary(owner, name, values), encoding: 'id' };
    const state = { vocabulary: feature.vocabulary };
    this.add(feature, { encoding: 'id', rows }, name.endsWith('_id') ? 'id' : 'categorical', state);
  }

  ids(owner: Owner, name: string, values: number, lists: { rows: Int32Array; lengths: Int32Array }): void {
    const maxLength = MAX_GENRES;
    const feature: IdsFeature = { name, owner, ...this.vocabulary(owner, name, values), encoding: 'ids', maxLength };
    const state = { vocabulary: feature.vocabulary, separator: '|', maxLength };
    this.add(feature, { encoding: 'ids', ...lists, maxLength }, 'multi-categorical', state);
  }

  numbers(owner: Owner, name: string, values: Float32Array): void {
    const feature: NumbersFeature = { name, owner, encoding: 'numbers', width: 1 };
    const state = { encoding: 'numbers', mean: 0, deviation: 1, log: false };
    this.add(feature, { encoding: 'numbers', values, width: 1 }, 'numeric', state);
  }

  private vocabulary(owner: Owner, name: string, values: number): { vocabulary: string; size: number } {
    const vocabulary = `${owner}.${name}`;
    this.encoders.vocabularies[vocabulary] = {
      values: keys(values).slice(1),
      counts: Array.from({ length: values + 1 }, (_, row) => (row === 0 ? 0 : 1)),
    };
    return { vocabulary, size: values + 1 };
  }

  private add(feature: Feature, column: EncodedColumn, kind: string, state: Record<string, unknown>): void {
    const { name, owner } = feature;
    this.features[owner].push(feature);
    this.columns[owner].set(name, column);
    this.encoders.fields.push({ name, owner, kind, column: name, state });
  }
}

interface Events {
  user: Int32Array;
  item: Int32Array;
  time: Float64Array;
  liked: Float32Array;
}

function drawEvents(random: Random, seed: number, count: number): Events {
  const popularity = (n: number, flat: number) =>
    popularitySampler(Float64Array.from({ length: n + 1 }, (_, i) => (i === 0 ? 0 : 1 / (i + flat))));
  const users = popularity(USERS, 400);
  const items = popularity(ITEMS, 60);
  const userTaste = normals(USERS * FACTORS, Random.of(seed, 'movielens-shape', 'user taste'));
  const itemTaste = normals(ITEMS * FACTORS, Random.of(seed, 'movielens-shape', 'item taste'));
  const bias = normals(ITEMS, Random.of(seed, 'movielens-shape', 'bias'));
  const user = new Int32Array(count);
  const item = new Int32Array(count);
  const time = new Float64Array(count);
  const liked = new Float32Array(count);
  for (let row = 0; row < count; row++) {
    const u = users.draw(random);
    const i = items.draw(random);
    let logit = 0.4 + 0.6 * bias[i]!;
    for (let f = 0; f < FACTORS; f++) {
      logit +=
        (1.2 / Math.sqrt(FACTORS)) * userTaste[(u - 1) * FACTORS + f + 1]! * itemTaste[(i - 1) * FACTORS + f + 1]!;
    }
    user[row] = u;
    item[row] = i;
    time[row] = START + Math.floor((row / count) * SPAN);
    liked[row] = random.uniform() < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
  }
  return { user, item, time, liked };
}

function likedHistory({ user, item, time, liked }: Events, maxLength: number): HistoryLog {
  const offsets = new Uint32Array(USERS + 2);
  for (let row = 0; row < user.length; row++) offsets[user[row]! + 1]! += liked[row]!;
  for (let u = 0; u <= USERS; u++) offsets[u + 1]! += offsets[u]!;
  const next = offsets.slice();
  const log = { item: new Int32Array(offsets[USERS + 1]!), time: new Float64Array(offsets[USERS + 1]!) };
  for (let row = 0; row < user.length; row++) {
    if (liked[row] !== 1) continue;
    const at = next[user[row]!]!++;
    log.item[at] = item[row]!;
    log.time[at] = time[row]!;
  }
  return { name: 'liked', maxLength, offsets, ...log };
}

/** One to six different genres per item, few having many. */
function drawGenres(random: Random): { rows: Int32Array; lengths: Int32Array } {
  const rows = new Int32Array((ITEMS + 1) * MAX_GENRES);
  const lengths = new Int32Array(ITEMS + 1);
  const all = Int32Array.from({ length: GENRES }, (_, i) => i + 1);
  for (let i = 1; i <= ITEMS; i++) {
    const length = 1 + Math.floor(MAX_GENRES * random.uniform() ** 3);
    random.shuffle(all);
    rows.set(all.subarray(0, length), i * MAX_GENRES);
    lengths[i] = length;
  }
  return { rows, lengths };
}

function rowNumbers(n: number): Int32Array {
  return Int32Array.from({ length: n + 1 }, (_, row) => row);
}

function codes(n: number, values: number, random: Random): Int32Array {
  return Int32Array.from({ length: n + 1 }, (_, row) => (row === 0 ? 0 : 1 + random.below(values)));
}

/** Row 0, the unknown one, is the mean. */
function normals(n: number, random: Random): Float32Array {
  return Float32Array.from({ length: n + 1 }, (_, row) => (row === 0 ? 0 : random.normal()));
}

function keys(n: number): string[] {
  return Array.from({ length: n + 1 }, (_, row) => (row === 0 ? '' : String(row)));
}

function range(from: number, to: number): Uint32Array {
  return Uint32Array.from({ length: to - from }, (_, i) => from + i);
}
