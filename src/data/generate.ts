import { Random } from '../random.js';
import type { IdFeature, IdsFeature, NumbersFeature, Owner } from '../schema.js';
import type { Dataset, HistoryLog, VocabularyState } from './dataset.js';

const START = 1704067200; // 2024-01-01T00:00:00Z
const DAY = 86400;
const GENRES = ['action', 'comedy', 'drama', 'music', 'nature', 'sport'];
const SURFACES = ['feed', 'home', 'search'];
const MAX_GENRES = 3;

export interface GenerateOptions {
  /** Users who can appear in the log, the unknown one not counted. */
  users?: number;
  items?: number;
  events?: number;
  days?: number;
  seed?: number;
  /** Events of one request share user, time, surface and request id. */
  eventsPerRequest?: number;
  /** Longest history handed to a model. */
  historyLength?: number;
  /** Leave the context field away. */
  context?: boolean;
  /** Leave the history away. */
  history?: boolean;
  /** Leave the log's request numbers away. */
  requests?: boolean;
  /** How far clicks follow taste: 0 makes labels pure chance. */
  signal?: number;
}

/** The raw values a generated data set was encoded from, row by row as in its tables (row 0 is the unknown user or item). */
export interface GeneratedRecords {
  users: Record<string, unknown>[];
  items: Record<string, unknown>[];
  contexts: Record<string, unknown>[];
}

/**
 * A small log with structure to learn, the same for the same options. A click's log-odds are the dot product of a user's and
 * an item's latent taste, plus a bias of the item and of the surface; a user's `age` and an item's `genres` tell of the taste.
 *
 * User fields: `user_id` (id), `age` (numbers, width 1, standardised). Item fields: `item_id` (id), `genres` (ids, up to 3).
 * Context: `surface` (id). History: `clicks`, of `item_id` and `genres`. Feedback: `click` (the label) and `seconds` (graded).
 * The last fifth of the time is validation and test, half each.
 */
export function generateDataset(options: GenerateOptions = {}): Dataset {
  return generateWithRecords(options).dataset;
}

/** As `generateDataset`, with the raw values beside it. */
export function generateWithRecords(options: GenerateOptions = {}): { dataset: Dataset; records: GeneratedRecords } {
  const log = drawLog(options);
  const { users, items, events, time, eventUser, eventItem, surface, click, seconds, request } = log;
  const validationFrom = START + log.days * DAY * 0.8;
  const testFrom = START + log.days * DAY * 0.9;
  const splits = {
    train: rowsWhere(time, (t) => t < validationFrom),
    validation: rowsWhere(time, (t) => t >= validationFrom && t < testFrom),
    test: rowsWhere(time, (t) => t >= testFrom),
  };

  const train = splits.train;
  const userKeys = ['', ...Array.from({ length: users }, (_, i) => `u${i + 1}`)];
  const itemKeys = ['', ...Array.from({ length: items }, (_, i) => `i${i + 1}`)];
  const userIds = countVocabulary(Array.from(train, (row) => [userKeys[eventUser[row] ?? 0] ?? '']));
  const itemIds = countVocabulary(Array.from(train, (row) => [itemKeys[eventItem[row] ?? 0] ?? '']));
  const genreIds = countVocabulary(Array.from(train, (row) => log.genres[eventItem[row] ?? 0] ?? []));
  const surfaceIds = countVocabulary(Array.from(train, (row) => [SURFACES[surface[row] ?? 0] ?? '']));
  const ages = Array.from(train, (row) => log.age[eventUser[row] ?? 0] ?? 0);
  const mean = ages.reduce((a, b) => a + b, 0) / Math.max(1, ages.length);
  const deviation = Math.sqrt(ages.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, ages.length)) || 1;

  const genreRows = new Int32Array((items + 1) * MAX_GENRES);
  const genreLengths = new Int32Array(items + 1);
  log.genres.forEach((genres, item) => {
    genres.forEach((genre, at) => {
      genreRows[item * MAX_GENRES + at] = rowOf(genreIds, genre);
    });
    genreLengths[item] = genres.length;
  });

  const userId: IdFeature = id('user', 'user_id', userIds);
  const age: NumbersFeature = { name: 'age', owner: 'user', encoding: 'numbers', width: 1 };
  const itemId: IdFeature = id('item', 'item_id', itemIds);
  const genres: IdsFeature = { ...id('item', 'genres', genreIds), encoding: 'ids', maxLength: MAX_GENRES };
  const surfaceId: IdFeature = id('context', 'surface', surfaceIds);

  const historyLength = options.historyLength ?? 10;
  const histories = options.history === false ? [] : [positives(log, historyLength)];
  const withContext = options.context !== false;
  const dataset: Dataset = {
    name: 'generated',
    schema: {
      user: [userId, age],
      item: [itemId, genres],
      context: withContext ? [surfaceId] : [],
      histories: histories.map((h) => ({ name: h.name, maxLength: h.maxLength, features: [itemId, genres] })),
    },
    users: {
      count: users + 1,
      keys: userKeys,
      display: new Map(),
      columns: new Map([
        ['user_id', { encoding: 'id', rows: Int32Array.from(userKeys, (key) => rowOf(userIds, key)) }],
        [
          'age',
          {
            encoding: 'numbers',
            width: 1,
            values: Float32Array.from(log.age, (a, u) => (u ? (a - mean) / deviation : 0)),
          },
        ],
      ]),
    },
    items: {
      count: items + 1,
      keys: itemKeys,
      display: new Map([['title', itemKeys.map((key) => (key === '' ? null : `Item ${key.slice(1)}`))]]),
      columns: new Map([
        ['item_id', { encoding: 'id', rows: Int32Array.from(itemKeys, (key) => rowOf(itemIds, key)) }],
        ['genres', { encoding: 'ids', rows: genreRows, lengths: genreLengths, maxLength: MAX_GENRES }],
      ]),
    },
    events: {
      count: events,
      user: eventUser,
      item: eventItem,
      time,
      feedback: new Map([
        ['click', click],
        ['seconds', seconds],
      ]),
      stage: Uint8Array.from(click, (clicked) => (clicked > 0 ? 3 : 2)),
      ...(options.requests === false ? {} : { request }),
      context: {
        count: events,
        columns: withContext
          ? new Map([
              [
                'surface',
                { encoding: 'id', rows: Int32Array.from(surface, (s) => rowOf(surfaceIds, SURFACES[s] ?? '')) },
              ],
            ])
          : new Map(),
      },
    },
    histories,
    label: 'click',
    stages: ['corpus', 'candidate', 'shown', 'click'],
    shown: 2,
    splits,
    encoders: {
      version: 1,
      fields: [
        { name: 'user_id', owner: 'user', kind: 'id', column: 'user_id', state: { vocabulary: 'user.user_id' } },
        {
          name: 'age',
          owner: 'user',
          kind: 'numeric',
          column: 'age',
          state: { encoding: 'numbers', mean, deviation, log: false },
        },
        { name: 'item_id', owner: 'item', kind: 'id', column: 'item_id', state: { vocabulary: 'item.item_id' } },
        {
          name: 'genres',
          owner: 'item',
          kind: 'multi-categorical',
          column: 'genres',
          state: { vocabulary: 'item.genres', separator: ',', maxLength: MAX_GENRES },
        },
        ...(withContext
          ? [
              {
                name: 'surface',
                owner: 'context' as const,
                kind: 'categorical',
                column: 'surface',
                state: { vocabulary: 'context.surface' },
              },
            ]
          : []),
      ],
      vocabularies: {
        'user.user_id': userIds,
        'item.item_id': itemIds,
        'item.genres': genreIds,
        ...(withContext ? { 'context.surface': surfaceIds } : {}),
      },
    },
    hash: '0'.repeat(64),
    logHash: '0'.repeat(64),
  };
  const records: GeneratedRecords = {
    users: userKeys.map((key, u) => (u === 0 ? {} : { user_id: key, age: log.age[u] })),
    items: itemKeys.map((key, i) => (i === 0 ? {} : { item_id: key, genres: log.genres[i] })),
    contexts: Array.from(surface, (s) => (withContext ? { surface: SURFACES[s] } : {})),
  };
  return { dataset, records };
}

type DrawnLog = ReturnType<typeof drawLog>;

/** Who saw what when, and what came of it. */
function drawLog(options: GenerateOptions) {
  const users = options.users ?? 200;
  const items = options.items ?? 100;
  const events = options.events ?? 4000;
  const days = options.days ?? 10;
  const seed = options.seed ?? 1;
  const perRequest = Math.max(1, options.eventsPerRequest ?? 4);
  const signal = options.signal ?? 1;
  const factors = GENRES.length;

  // A user's age bends which genres are liked; an item's genres are its strongest factors.
  const userRandom = Random.of(seed, 'generate', 'users');
  const age = new Float64Array(users + 1);
  const userTaste = new Float64Array((users + 1) * factors);
  for (let u = 1; u <= users; u++) {
    const years = 15 + userRandom.below(60);
    age[u] = years;
    for (let f = 0; f < factors; f++) {
      userTaste[u * factors + f] = userRandom.normal() + (f % 2 === 0 ? 1 : -1) * ((years - 45) / 20);
    }
  }
  const itemRandom = Random.of(seed, 'generate', 'items');
  const itemTaste = new Float64Array((items + 1) * factors);
  const itemBias = new Float64Array(items + 1);
  const genres: string[][] = [[]];
  for (let i = 1; i <= items; i++) {
    const strength = Array.from({ length: factors }, () => itemRandom.normal());
    const count = 1 + itemRandom.below(MAX_GENRES);
    const order = strength.map((_, f) => f).sort((a, b) => (strength[b] ?? 0) - (strength[a] ?? 0));
    genres.push(order.slice(0, count).map((f) => GENRES[f] ?? ''));
    order.slice(0, count).forEach((f) => {
      itemTaste[i * factors + f] = 1 / Math.sqrt(count);
    });
    itemBias[i] = 0.7 * itemRandom.normal();
  }

  const random = Random.of(seed, 'generate', 'events');
  const requests = Math.ceil(events / perRequest);
  const times = Float64Array.from({ length: requests }, () => START + Math.floor(random.uniform() * days * DAY)).sort();
  const time = new Float64Array(events);
  const eventUser = new Int32Array(events);
  const eventItem = new Int32Array(events);
  const request = new Int32Array(events);
  const surface = new Uint8Array(events);
  const click = new Float32Array(events);
  const seconds = new Float32Array(events);
  for (let r = 0, row = 0; r < requests; r++) {
    const u = 1 + random.below(users);
    const place = random.below(SURFACES.length);
    for (let k = 0; k < perRequest && row < events; k++, row++) {
      const i = 1 + Math.floor(items * random.uniform() ** 1.5); // The first items are shown more often.
      let logit = -0.7 + 0.5 * (place - 1) + (itemBias[i] ?? 0);
      for (let f = 0; f < factors; f++) {
        logit += 1.5 * (userTaste[u * factors + f] ?? 0) * (itemTaste[i * factors + f] ?? 0);
      }
      const clicked = random.uniform() < 1 / (1 + Math.exp(-signal * logit));
      time[row] = times[r] ?? START;
      eventUser[row] = u;
      eventItem[row] = i;
      request[row] = r;
      surface[row] = place;
      click[row] = clicked ? 1 : 0;
      seconds[row] = clicked ? 1 + random.below(300) : 0;
    }
  }
  return { users, items, events, days, age, genres, time, eventUser, eventItem, request, surface, click, seconds };
}

function positives(log: DrawnLog, maxLength: number): HistoryLog {
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

function rowsWhere(values: Float64Array | Float32Array, keep: (value: number) => boolean): Uint32Array {
  const rows: number[] = [];
  values.forEach((value, row) => {
    if (keep(value)) rows.push(row);
  });
  return Uint32Array.from(rows);
}

function countVocabulary(events: string[][]): VocabularyState {
  const counts = new Map<string, number>();
  for (const values of events) for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const values = [...counts.keys()].sort((a, b) => (a < b ? -1 : 1));
  return { values, counts: [0, ...values.map((value) => counts.get(value) ?? 0)] };
}

function rowOf(vocabulary: VocabularyState, value: string): number {
  return vocabulary.values.indexOf(value) + 1;
}

function id(owner: Owner, name: string, vocabulary: VocabularyState): IdFeature {
  return { name, owner, encoding: 'id', vocabulary: `${owner}.${name}`, size: vocabulary.values.length + 1 };
}
