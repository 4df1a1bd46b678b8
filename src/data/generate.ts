import type { IdFeature, IdsFeature, NumbersFeature } from '../schema.js';
import type { Dataset } from './dataset.js';
import { DAY, drawLog, type GenerateOptions, MAX_GENRES, START, SURFACES } from './generate-draw.js';
import { countVocabulary, idFeature, positives, rowOf, rowsWhere } from './generate-encode.js';

export type { GenerateOptions } from './generate-draw.js';

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

  const userId: IdFeature = idFeature('user', 'user_id', userIds);
  const age: NumbersFeature = { name: 'age', owner: 'user', encoding: 'numbers', width: 1 };
  const itemId: IdFeature = idFeature('item', 'item_id', itemIds);
  const genres: IdsFeature = { ...idFeature('item', 'genres', genreIds), encoding: 'ids', maxLength: MAX_GENRES };
  const surfaceId: IdFeature = idFeature('context', 'surface', surfaceIds);

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
