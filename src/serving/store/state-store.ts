import type { ChangeReport, ItemRow, Key, UserRow } from '../contract.js';
import type { StoredRow } from '../state/apply.js';
import { replayAll } from '../state/replay.js';
import type { ChangeTarget, ServingState, StateStatus, StoredEvent } from '../state/serving-state.js';
import { DurableMap, type Operation } from './database.js';

export interface StateStoreOptions {
  /** Events that are kept; the oldest go first. */
  events?: number;
}

/** A row of the log of items or users: what stands under the key, or that nothing does. */
const REMOVED = 'null';
const DEFAULT_EVENTS = 5_000_000;
/** Old events are removed this many at a time. */
const TRIM_EVENTS = 10_000;
/** The character after `!`: beyond every key of a prefix. */
const END = '"';

/**
 * Items, users and events that came after a version was published, on the disk of one server: a change is durable before it is
 * applied and answered, and everything is applied again when the server starts.
 *
 * Keys: `i!KEY`, `u!KEY` (JSON of the raw columns, `null` where it was removed), `e!SEQUENCE`, and `f!KEY` (of a user who was
 * removed, the sequence number after the last event before).
 */
export class StateStore implements ServingState {
  /** Items and users change one after another: the order on disk is that in which the engine sees them. */
  private last: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly map: DurableMap,
    private nextEvent: number,
    private firstEvent: number,
    private readonly mostEvents: number,
  ) {}

  /** @throws SERVING_STATE */
  static async open(folder: string, { events = DEFAULT_EVENTS }: StateStoreOptions = {}): Promise<StateStore> {
    const map = await DurableMap.open(folder);
    const edge = async (reverse: boolean) => {
      for await (const [key] of map.entries({ gte: 'e!', lt: `e${END}`, reverse, limit: 1 })) return sequenceOf(key);
      return undefined;
    };
    const store = new StateStore(map, ((await edge(true)) ?? -1) + 1, (await edge(false)) ?? 0, events);
    await store.trim();
    return store;
  }

  putItems(rows: readonly ItemRow[], target: ChangeTarget): Promise<ChangeReport> {
    return this.replace(
      rows.map((row) => entryOf('i', row)),
      () => target.putItems(rows),
    );
  }

  deleteItems(keys: readonly Key[], target: ChangeTarget): Promise<ChangeReport> {
    return this.replace(
      keys.map((key) => removalOf('i', key)),
      () => target.deleteItems(keys),
    );
  }

  putUsers(rows: readonly UserRow[], target: ChangeTarget): Promise<ChangeReport> {
    return this.replace(
      rows.map((row) => entryOf('u', row)),
      () => target.putUsers(rows),
    );
  }

  deleteUsers(keys: readonly Key[], target: ChangeTarget): Promise<ChangeReport> {
    const next = String(this.nextEvent);
    const marks = keys.map((key) => ({ key: `f!${key}`, value: next }));
    return this.replace([...keys.map((key) => removalOf('u', key)), ...marks], () => target.deleteUsers(keys));
  }

  /** Events do not replace one another, so that any number may be on their way at once. */
  async addEvents(events: readonly StoredEvent[], target: ChangeTarget): Promise<ChangeReport> {
    const operations = events.map((event): Operation => {
      return { type: 'put', key: eventKey(this.nextEvent++), value: JSON.stringify(event) };
    });
    await this.map.write(operations);
    await this.trim();
    return target.addEvents(events);
  }

  async replay(target: ChangeTarget, warn: (message: string) => void): Promise<{ rows: number }> {
    const forgotten = new Map<string, number>();
    for await (const [key, value] of this.under('f')) forgotten.set(key, Number(value));
    const rowsOf = async function* (entries: AsyncIterable<[string, string]>): AsyncGenerator<StoredRow> {
      for await (const [key, value] of entries) yield [key, JSON.parse(value) as StoredRow[1]];
    };
    const eventsFrom = this.eventsFrom(0);
    return replayAll(
      {
        items: () => rowsOf(this.under('i')),
        users: () => rowsOf(this.under('u')),
        async *removedUsers() {
          yield* forgotten.keys();
        },
        async *events() {
          for await (const { event, next } of eventsFrom) if (next > (forgotten.get(event.user) ?? 0)) yield event;
        },
      },
      target,
      (message) => warn(`${this.map.folder}: ${message}`),
    );
  }

  /** Nobody else writes here. */
  follow(): void {}

  status(): StateStatus {
    return { behind: 0, rebuilt: 0 };
  }

  async *eventsSince(since: number): AsyncGenerator<StoredEvent> {
    for await (const { event } of this.eventsFrom(await this.firstSince(since))) yield event;
  }

  /** Events in the order in which they came, from sequence number `from` on; each with the number after it. */
  async *eventsFrom(from: number): AsyncGenerator<{ event: StoredEvent; next: number }> {
    for await (const [key, value] of this.map.entries({ gte: eventKey(from), lt: `e${END}` })) {
      yield { event: JSON.parse(value) as StoredEvent, next: sequenceOf(key) + 1 };
    }
  }

  /** The sequence number of the first event received at `since` (milliseconds since 1970) or later. */
  async firstSince(since: number): Promise<number> {
    let first = this.nextEvent;
    for await (const [key, value] of this.map.entries({ gte: 'e!', lt: `e${END}`, reverse: true })) {
      if ((JSON.parse(value) as StoredEvent).received < since) break;
      first = sequenceOf(key);
    }
    return first;
  }

  async close(): Promise<void> {
    await this.last;
    await this.map.close();
  }

  /** Entries under a prefix, by what stands behind it, in the order of the keys. */
  private async *under(prefix: string): AsyncGenerator<[string, string]> {
    for await (const [key, value] of this.map.entries({ gte: `${prefix}!`, lt: `${prefix}${END}` })) {
      yield [key.slice(2), value];
    }
  }

  private replace(
    entries: { key: string; value: string }[],
    apply: () => Promise<ChangeReport>,
  ): Promise<ChangeReport> {
    const work = async () => {
      const keys = entries.map(({ key }) => key);
      const before = await this.map.get(keys);
      await this.map.write(entries.map(({ value }, i) => ({ type: 'put', key: keys[i]!, value })));
      try {
        return await apply();
      } catch (error) {
        // Refused by the engine: what was answered with an error must not come back at the next start.
        const undo = keys.map((key, i): Operation => {
          const value = before[i];
          return value === undefined ? { type: 'del', key } : { type: 'put', key, value };
        });
        await this.map.write(undo);
        throw error;
      }
    };
    const done = this.last.then(work);
    this.last = done.catch(() => {});
    return done;
  }

  private async trim(): Promise<void> {
    const surplus = this.nextEvent - this.firstEvent - this.mostEvents;
    if (surplus <= 0 || (surplus < TRIM_EVENTS && surplus < this.mostEvents / 10)) return;
    const from = this.firstEvent;
    this.firstEvent = this.nextEvent - this.mostEvents;
    await this.map.clear({ gte: eventKey(from), lt: eventKey(this.firstEvent) });
  }
}

function entryOf(prefix: string, { key, values }: ItemRow): { key: string; value: string } {
  return { key: `${prefix}!${key}`, value: JSON.stringify(values) };
}

function removalOf(prefix: string, key: Key): { key: string; value: string } {
  return { key: `${prefix}!${key}`, value: REMOVED };
}

function eventKey(sequence: number): string {
  return `e!${sequence.toString(16).padStart(14, '0')}`;
}

function sequenceOf(key: string): number {
  return Number.parseInt(key.slice(2), 16);
}
