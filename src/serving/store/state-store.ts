import type { ChangeReport, EngineHost, FeedbackEvent, ItemRow, Key, UserRow } from '../contract.js';
import { DurableMap, type Operation } from './database.js';

/** What changes are applied to. */
export type ChangeTarget = Pick<EngineHost, 'putItems' | 'deleteItems' | 'putUsers' | 'deleteUsers' | 'addEvents'>;

/** An event with when it came in and which answer it speaks of. */
export interface StoredEvent extends FeedbackEvent {
  user: string;
  item: string;
  time: number;
  /** Milliseconds since 1970. */
  received: number;
  requestId?: string;
}

export interface StateStoreOptions {
  /** Events that are kept; the oldest go first. */
  events?: number;
}

/** A row of the log of items or users: what stands under the key, or that nothing does. */
const REMOVED = 'null';
const DEFAULT_EVENTS = 5_000_000;
/** Rows that are given to the engine at once when the store is replayed. */
const REPLAY_ROWS = 1_000;
/** Old events are removed this many at a time. */
const TRIM_EVENTS = 10_000;
/** The character after `!`: beyond every key of a prefix. */
const END = '"';

/**
 * Items, users and events that came after a version was published, on disk: a change is durable before it is applied and
 * answered, and everything is applied again when the server starts. What is stored here goes before what a version brings along.
 *
 * Keys: `i!KEY`, `u!KEY` (JSON of the raw columns, `null` where it was removed), `e!SEQUENCE`.
 */
export class StateStore {
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
    return this.replace('i', rows.map(entryOf), () => target.putItems(rows));
  }

  deleteItems(keys: readonly Key[], target: ChangeTarget): Promise<ChangeReport> {
    return this.replace('i', keys.map(removalOf), () => target.deleteItems(keys));
  }

  putUsers(rows: readonly UserRow[], target: ChangeTarget): Promise<ChangeReport> {
    return this.replace('u', rows.map(entryOf), () => target.putUsers(rows));
  }

  deleteUsers(keys: readonly Key[], target: ChangeTarget): Promise<ChangeReport> {
    return this.replace('u', keys.map(removalOf), () => target.deleteUsers(keys));
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

  /**
   * Applies everything stored, in order, to what was just loaded. What cannot be applied (a column that a new version does not
   * know) is told and left where it is.
   */
  async replay(target: ChangeTarget, warn: (message: string) => void): Promise<{ rows: number }> {
    let rows = 0;
    const inBatches = async <T>(
      prefix: string,
      parse: (key: string, value: string) => T,
      apply: (batch: T[]) => Promise<unknown>,
    ) => {
      let batch: T[] = [];
      const flush = async () => {
        try {
          if (batch.length > 0) await apply(batch);
          rows += batch.length;
        } catch {
          // One bad row must not take the others with it.
          for (const one of batch) {
            await apply([one]).then(
              () => rows++,
              (error: Error) => warn(`${this.map.folder}: a stored change was not applied: ${error.message}`),
            );
          }
        }
        batch = [];
      };
      for await (const [key, value] of this.map.entries({ gte: `${prefix}!`, lt: `${prefix}${END}` })) {
        batch.push(parse(key.slice(2), value));
        if (batch.length === REPLAY_ROWS) await flush();
      }
      await flush();
    };
    const rowOf = (key: string, value: string) => ({ key, values: JSON.parse(value) as ItemRow['values'] | null });
    type Parsed = ReturnType<typeof rowOf>;
    const kept = (batch: Parsed[]) => batch.filter((row): row is ItemRow & { key: string } => row.values !== null);
    const removed = (batch: Parsed[]) => batch.filter((row) => row.values === null).map(({ key }) => key);
    await inBatches('i', rowOf, async (batch) => {
      if (kept(batch).length > 0) await target.putItems(kept(batch));
      if (removed(batch).length > 0) await target.deleteItems(removed(batch));
    });
    await inBatches('u', rowOf, async (batch) => {
      if (kept(batch).length > 0) await target.putUsers(kept(batch));
      if (removed(batch).length > 0) await target.deleteUsers(removed(batch));
    });
    await inBatches(
      'e',
      (_, value) => JSON.parse(value) as StoredEvent,
      (batch) => target.addEvents(batch),
    );
    return { rows };
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

  /** Waits for the changes under way. */
  async close(): Promise<void> {
    await this.last;
    await this.map.close();
  }

  private replace(
    prefix: string,
    entries: { key: string; value: string }[],
    apply: () => Promise<ChangeReport>,
  ): Promise<ChangeReport> {
    const work = async () => {
      const keys = entries.map(({ key }) => `${prefix}!${key}`);
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

function entryOf({ key, values }: ItemRow): { key: string; value: string } {
  return { key: String(key), value: JSON.stringify(values) };
}

function removalOf(key: Key): { key: string; value: string } {
  return { key: String(key), value: REMOVED };
}

function eventKey(sequence: number): string {
  return `e!${sequence.toString(16).padStart(14, '0')}`;
}

function sequenceOf(key: string): number {
  return Number.parseInt(key.slice(2), 16);
}
