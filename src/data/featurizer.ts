import { didYouMean, TwoTowerError } from '../errors.js';
import type { Feature, Feeds, HistoryFeature, Schema } from '../schema.js';
import type { EncodedColumn, EncoderState, EntityTable, FieldEncoderState, HistoryLog } from './dataset.js';
import { FeedBuffers, gatherFeatures } from './feeds.js';
import { fieldKinds } from './fields/index.js';
import type { RowOf } from './fields/kind.js';
import { gatherHistory } from './histories.js';

/** A user, an item or a context as a client sends it: values by column name. Anything else is taken for an empty one. */
export type RawRecord = Record<string, unknown>;

/** More events than this of one history are not looked at, but for the last ones given. */
const MOST_EVENTS = 100_000;

export interface RawRequests {
  users: readonly unknown[];
  /** One per user; unknown unless given. */
  contexts?: readonly unknown[];
  /** Seconds since 1970, one per user. Without it the whole history counts and all lags are unknown (0). */
  times?: readonly unknown[];
  /**
   * Earlier events per user: `{ NAME: [{ item, time }, …] }` in any order. `item` is the item's values, or its key where the
   * featurizer was given `itemOf`; `time` is in seconds since 1970, and an event without it is before everything and of
   * unknown lag.
   */
  histories?: readonly unknown[];
}

export interface FeaturizerOptions {
  /** Finds an item's values by its key, for histories that name items by key. */
  itemOf?: (key: unknown) => unknown;
  /** Finds rows of vocabularies where their values lie elsewhere; the state's own are then not read. */
  rowOf?: RowOf;
}

/** One earlier event of a user. */
interface Past {
  item: unknown;
  time: number;
}

type EncodeRaw = (value: unknown, state: unknown, rowOf: RowOf) => number[];

/**
 * Encodes raw values at serving time, with nothing but what was fitted on the training part.
 *
 * No value makes it throw: what is unknown, missing, of the wrong type or not finite becomes the unknown row, or the number a
 * missing value has. Feeds are made by the code that makes training batches.
 */
export class Featurizer {
  private readonly fields = new Map<string, FieldEncoderState>();
  private readonly rowOf: RowOf;

  private constructor(
    readonly schema: Schema,
    state: EncoderState,
    private readonly options: FeaturizerOptions,
  ) {
    this.rowOf = options.rowOf ?? rowsIn(state);
    for (const field of state.fields) {
      if (!Object.hasOwn(fieldKinds, field.kind)) {
        const known = Object.keys(fieldKinds);
        throw new TwoTowerError('RUN_INVALID', `no field kind "${field.kind}"`, didYouMean(field.kind, known));
      }
      this.fields.set(`${field.owner}.${field.name}`, field);
    }
    for (const feature of [...schema.user, ...schema.item, ...schema.context]) this.fieldOf(feature);
  }

  /** @throws TwoTowerError RUN_INVALID when the state does not hold every feature of the schema. */
  static fromState(schema: Schema, state: EncoderState, options: FeaturizerOptions = {}): Featurizer {
    return new Featurizer(schema, state, options);
  }

  /** User, context and history feeds of B requests. */
  encodeUsers(requests: RawRequests): Feeds {
    const count = requests.users.length;
    const feeds: Feeds = {};
    const buffers = new FeedBuffers();
    const every = Int32Array.from({ length: count }, (_, b) => b);
    const { user, context } = this.schema;
    gatherFeatures(feeds, 'user', user, this.table(user, requests.users), every, count, buffers);
    const contexts = Array.from(every, (b) => requests.contexts?.[b]);
    gatherFeatures(feeds, 'context', context, this.table(context, contexts), every, count, buffers);
    const times = Float64Array.from(every, (b) => finiteTime(requests.times?.[b], Infinity));
    for (const history of this.schema.histories) {
      const pasts = Array.from(every, (b) => pastsOf(ownValue(requests.histories?.[b], history.name), times[b]!));
      const { log, items } = this.historyLog(history, pasts, times);
      gatherHistory(feeds, history, log, items, every, times, count, buffers);
    }
    return feeds;
  }

  /** Item feeds of I items. */
  encodeItems(items: readonly unknown[]): Feeds {
    const feeds: Feeds = {};
    const { item } = this.schema;
    const every = Int32Array.from({ length: items.length }, (_, i) => i);
    gatherFeatures(feeds, 'item', item, this.table(item, items), every, items.length, new FeedBuffers());
    return feeds;
  }

  /** A log of the given pasts, each event with an item row of its own. Only what can be used of a history is encoded. */
  private historyLog(
    history: HistoryFeature,
    pasts: Past[][],
    times: Float64Array,
  ): { log: HistoryLog; items: EntityTable } {
    const offsets = new Uint32Array(pasts.length + 1);
    const used = pasts.map((past) => past.slice(-history.maxLength));
    used.forEach((past, b) => {
      offsets[b + 1] = offsets[b]! + past.length;
    });
    const all = used.flat();
    const item = Int32Array.from(all, (_, row) => row);
    // Where the request's own time is unknown, so is every lag.
    const time = Float64Array.from(
      used.flatMap((past, b) => past.map((e) => (times[b] === Infinity ? -Infinity : e.time))),
    );
    const items = all.map((past) =>
      isRecord(past.item) ? past.item : quietly(() => this.options.itemOf?.(past.item)),
    );
    return {
      log: { name: history.name, maxLength: history.maxLength, offsets, item, time },
      items: this.table(history.features, items),
    };
  }

  private table(features: Feature[], records: readonly unknown[]): EntityTable {
    return {
      count: records.length,
      columns: new Map(features.map((feature) => [feature.name, this.column(feature, records)])),
    };
  }

  private column(feature: Feature, records: readonly unknown[]): EncodedColumn {
    const { column, name, kind, state } = this.fieldOf(feature);
    const encodeRaw = fieldKinds[kind as keyof typeof fieldKinds].encodeRaw as EncodeRaw;
    const encode = (record: unknown) => {
      const value = ownValue(record, column) ?? ownValue(record, name);
      return quietly(() => encodeRaw(value, state, this.rowOf)) ?? encodeRaw(undefined, state, this.rowOf);
    };
    const count = records.length;
    if (feature.encoding === 'id') {
      return { encoding: 'id', rows: Int32Array.from(records, (record) => encode(record)[0] ?? 0) };
    }
    if (feature.encoding === 'ids') {
      const { maxLength } = feature;
      const rows = new Int32Array(count * maxLength);
      const lengths = new Int32Array(count);
      records.forEach((record, i) => {
        const found = encode(record).slice(0, maxLength);
        rows.set(found, i * maxLength);
        lengths[i] = found.length;
      });
      return { encoding: 'ids', rows, lengths, maxLength };
    }
    const { width } = feature;
    const values = new Float32Array(count * width);
    const neutral = encodeRaw(undefined, state, this.rowOf);
    records.forEach((record, i) => {
      const numbers = encode(record);
      for (let k = 0; k < width; k++) {
        const number = Math.fround(numbers[k] ?? 0); // A finite number may be too large for a float32.
        values[i * width + k] = Number.isFinite(number) ? number : (neutral[k] ?? 0);
      }
    });
    return { encoding: 'numbers', values, width };
  }

  private fieldOf(feature: Feature): FieldEncoderState {
    const key = `${feature.owner}.${feature.name}`;
    const field = this.fields.get(key);
    if (field === undefined) {
      throw new TwoTowerError(
        'RUN_INVALID',
        `the encoders hold nothing of "${key}"`,
        didYouMean(key, this.fields.keys()),
      );
    }
    return field;
  }
}

function rowsIn({ vocabularies }: EncoderState): RowOf {
  const rows = new Map(
    Object.entries(vocabularies).map(([name, { values }]) => [name, new Map(values.map((value, i) => [value, i + 1]))]),
  );
  return (vocabulary, value) => rows.get(vocabulary)?.get(value) ?? 0;
}

/** The user's past strictly before `time`, in time order; entries that are no events are left out. */
function pastsOf(value: unknown, time: number): Past[] {
  const list = quietly(() => (Array.isArray(value) ? (value as unknown[]).slice(-MOST_EVENTS) : [])) ?? [];
  return list
    .map((entry) => ({ item: ownValue(entry, 'item'), time: finiteTime(ownValue(entry, 'time'), -Infinity) }))
    .filter((past) => past.item !== undefined && past.time < time)
    .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}

function finiteTime(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}

function isRecord(value: unknown): value is RawRecord {
  return typeof value === 'object' && value !== null;
}

/** A record's own value, undefined where there is none to read. */
function ownValue(record: unknown, key: string): unknown {
  return quietly(() => (isRecord(record) && Object.hasOwn(record, key) ? record[key] : undefined));
}

/** Getters and proxies may throw; what cannot be read is not there. */
function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
