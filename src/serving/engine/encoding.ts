import type { EncoderState } from '../../data/dataset.js';
import { Featurizer, type RawRecord } from '../../data/featurizer.js';
import type { RowOf, TimeUnit } from '../../data/fields/kind.js';
import type { Feeds, Schema } from '../../schema.js';
import type { PhaseManifest } from '../manifest.js';
import type { PackedEncoders } from './packed-encoders.js';
import { rowOfKey } from './packed-keys.js';
import type { Past } from './user-store.js';

/** Who asks, with everything the user store knew filled in. */
export interface RawAsker {
  user: RawRecord;
  context: RawRecord;
  /** Seconds since 1970. */
  time: number;
  histories: Record<string, readonly (Past | { item: unknown; time?: number })[]>;
}

/** Raw values → feeds of one phase's model. */
export class PhaseEncoding {
  private readonly featurizer: Featurizer;
  private readonly contexts: Featurizer;
  private readonly inputs: readonly string[];
  private readonly clocks: readonly Clock[];
  readonly readsContext: boolean;
  readonly readsHistories: boolean;
  /** The state depends on when exactly the request is made, so that it is never the same again. */
  readonly readsLags: boolean;

  constructor(
    { parts }: PhaseManifest,
    readonly schema: Schema,
    { vocabularies, ...rest }: PackedEncoders,
    itemOf: (key: unknown) => RawRecord,
  ) {
    const encoders: EncoderState = { ...rest, vocabularies: {} };
    const rowOf: RowOf = (name, value) => {
      const vocabulary = vocabularies[name];
      return vocabulary === undefined ? 0 : rowOfKey(vocabulary, value);
    };
    this.featurizer = Featurizer.fromState(schema, encoders, { itemOf: (key) => itemOf(key), rowOf });
    const contextOnly = { user: [], item: [], context: schema.context, histories: [] };
    this.contexts = Featurizer.fromState(contextOnly, encoders, { rowOf });
    this.inputs = parts.user.inputs.map(({ name }) => name);
    this.clocks = clocksOf(encoders);
    this.readsContext = this.inputs.some((name) => name.startsWith('context.'));
    this.readsHistories = this.inputs.some((name) => name.startsWith('history.'));
    this.readsLags = this.inputs.some((name) => name.startsWith('history.') && name.endsWith('.lag'));
  }

  /** What the user part reads of a request. */
  user(asker: RawAsker): Feeds {
    const feeds = this.featurizer.encodeUsers({
      users: [asker.user],
      contexts: [this.withClock(asker)],
      times: [asker.time],
      histories: [asker.histories],
    });
    return Object.fromEntries(this.inputs.map((name) => [name, feeds[name]!]));
  }

  /** Text that is the same for two contexts if, and only if, the model sees no difference. */
  contextKey(asker: Pick<RawAsker, 'context' | 'time'>): string {
    if (!this.readsContext) return '';
    const feeds = this.contexts.encodeUsers({ users: [{}], contexts: [this.withClock(asker)] });
    return this.inputs.map((name) => (name.startsWith('context.') ? feeds[name]!.data.join() : '')).join(';');
  }

  items(values: readonly RawRecord[]): Feeds {
    return this.featurizer.encodeItems(values);
  }

  /** Fields that read the clock read the request's time where the context does not tell it. */
  private withClock({ context, time }: Pick<RawAsker, 'context' | 'time'>): RawRecord {
    const missing = this.clocks.filter(({ column }) => !Object.hasOwn(context, column));
    return missing.length === 0 || !Number.isFinite(time) ? context : { ...context, ...clockValues(missing, time) };
  }
}

/** A context column that a field reads the time from. */
export interface Clock {
  column: string;
  unit: TimeUnit;
}

export function clocksOf({ fields }: Pick<EncoderState, 'fields'>): Clock[] {
  return fields.flatMap(({ owner, column, state }) =>
    owner === 'context' && state.unit !== undefined ? [{ column, unit: state.unit as TimeUnit }] : [],
  );
}

/** The raw values of such columns at a time in seconds since 1970. */
export function clockValues(clocks: readonly Clock[], seconds: number): RawRecord {
  return Object.fromEntries(clocks.map(({ column, unit }) => [column, inUnit(seconds, unit)]));
}

function inUnit(seconds: number, unit: TimeUnit): unknown {
  // Beyond what a date can say, time is unknown.
  if (unit === 'iso') return Math.abs(seconds) <= 8.64e12 ? new Date(seconds * 1e3).toISOString() : undefined;
  return seconds * { s: 1, ms: 1e3, us: 1e6 }[unit];
}
