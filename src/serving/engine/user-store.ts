import type { RawRecord } from '../../data/featurizer.js';
import { firstNotBefore } from '../../data/histories.js';
import type { FeedbackEvent, Key, StoredUser, UserRow } from '../contract.js';
import { canonicalKey, type RawTable } from './raw-table.js';

/** Events of one user and history that are kept besides those the artifact brought; the oldest go first. */
const MOST_ADDED = 1000;

/** The artifact's histories: user row u owns positions `offsets[u]` to `offsets[u + 1]`; items by the artifact's rows. */
export interface BaseHistory {
  offsets: Uint32Array;
  item: Int32Array;
  time: Float64Array;
}

export interface HistoryRule {
  name: string;
  /** Feedback that lengthens it where it is above zero. */
  positive: string;
  maxLength: number;
}

/** One earlier event, in the form the featurizer reads. */
export interface Past {
  item: string | number;
  time: number;
}

/** Raw values and histories of the users: what the artifact brought, and what has come since. */
export class UserStore {
  /** By canonical user key: history name → events in time order. */
  private readonly added = new Map<string | number, Map<string, Past[]>>();
  private readonly versions = new Map<string | number, number>();
  private nextRow: number;

  constructor(
    private readonly table: RawTable,
    private readonly items: RawTable,
    private readonly base: ReadonlyMap<string, BaseHistory>,
    readonly rules: readonly HistoryRule[],
    private readonly keyColumn: string | undefined,
  ) {
    this.nextRow = table.rows;
  }

  get size(): number {
    return this.table.size;
  }

  has(key: Key): boolean {
    return this.table.rowOf(key) !== 0;
  }

  /** Any user that is known; undefined where there is none. */
  anyone(): string | undefined {
    return this.table.rows > 1 ? this.table.keyOf(1) : undefined;
  }

  /** Raw values; of a user who is not known, the key alone, which the vocabulary may still know. */
  values(key: Key): RawRecord {
    const row = this.table.rowOf(key);
    if (row !== 0) return this.table.values(row);
    return this.keyColumn === undefined ? {} : { [this.keyColumn]: key };
  }

  /** Grows with every change of the user. */
  version(key: Key): number {
    return this.versions.get(canonicalKey(key) ?? '') ?? 0;
  }

  /** The user's last `limit` events of a history strictly before `time`, oldest first. */
  past(key: Key, history: string, time: number, limit: number): Past[] {
    const added = this.added.get(canonicalKey(key) ?? '')?.get(history) ?? [];
    const base = this.base.get(history);
    const row = this.table.rowOf(key);
    const found: Past[] = [];
    if (base !== undefined && row + 1 < base.offsets.length) {
      const from = base.offsets[row]!;
      const end = firstNotBefore(base.time, from, base.offsets[row + 1]!, time);
      for (let at = Math.max(from, end - limit); at < end; at++) {
        found.push({ item: this.items.keyOf(base.item[at]!), time: base.time[at]! });
      }
    }
    if (added.length === 0) return found;
    for (const past of added) if (past.time < time) found.push(past);
    // Mostly in order already: what was added came later.
    found.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    return found.slice(-limit);
  }

  /** Rows, in the catalogue, of everything in the user's histories. */
  seen(key: Key): Int32Array {
    const rows: number[] = [];
    const row = this.table.rowOf(key);
    for (const { offsets, item } of this.base.values()) {
      if (row + 1 >= offsets.length) continue;
      for (let at = offsets[row]!; at < offsets[row + 1]!; at++)
        rows.push(this.items.rowOf(this.items.keyOf(item[at]!)));
    }
    for (const events of this.added.get(canonicalKey(key) ?? '')?.values() ?? []) {
      for (const { item } of events) rows.push(this.items.rowOf(item));
    }
    return Int32Array.from(rows);
  }

  put({ key, values }: UserRow): boolean {
    const canonical = canonicalKey(key);
    if (canonical === undefined) return false;
    const own =
      this.keyColumn === undefined || values[this.keyColumn] !== undefined
        ? values
        : { ...values, [this.keyColumn]: key };
    // A row keeps its histories; a new user's row lies behind those the artifact brought and has none.
    const row = this.table.rowOf(key) || this.nextRow++;
    this.table.write(row, key, own);
    this.table.point(key, row);
    this.changed(canonical);
    return true;
  }

  delete(key: Key): boolean {
    const canonical = canonicalKey(key);
    if (canonical === undefined) return false;
    const hadEvents = this.added.delete(canonical);
    const wasKnown = this.table.remove(key) !== 0;
    if (hadEvents || wasKnown) this.changed(canonical);
    return hadEvents || wasKnown;
  }

  /** @returns whether a history has grown by it */
  add({ user, item, time, feedback }: FeedbackEvent & { time: number }): boolean {
    const canonical = canonicalKey(user);
    const itemKey = canonicalKey(item);
    if (canonical === undefined || itemKey === undefined) return false;
    let grown = false;
    for (const { name, positive } of this.rules) {
      if (!(Object.hasOwn(feedback, positive) && feedback[positive]! > 0)) continue;
      if (this.contains(user, name, itemKey, time)) continue;
      const histories = this.added.get(canonical) ?? new Map<string, Past[]>();
      this.added.set(canonical, histories);
      const events = histories.get(name) ?? [];
      histories.set(name, events);
      let at = events.length;
      while (at > 0 && events[at - 1]!.time > time) at--;
      events.splice(at, 0, { item: itemKey, time });
      if (events.length > MOST_ADDED) events.shift();
      grown = true;
    }
    if (!grown) return false;
    if (!this.has(user)) this.put({ key: user, values: {} });
    this.changed(canonical);
    return true;
  }

  describe(key: Key): StoredUser | undefined {
    const row = this.table.rowOf(key);
    if (row === 0) return undefined;
    const histories: StoredUser['histories'] = {};
    for (const { name, maxLength } of this.rules) {
      histories[name] = this.past(key, name, Infinity, maxLength).map(({ item, time }) => ({
        item: String(item),
        time,
      }));
    }
    return { key: this.table.keyOf(row), values: this.table.values(row), histories };
  }

  private contains(user: Key, history: string, item: string | number, time: number): boolean {
    const known = this.past(user, history, Infinity, Infinity);
    return known.some((past) => past.time === time && canonicalKey(past.item) === item);
  }

  private changed(key: string | number): void {
    this.versions.set(key, (this.versions.get(key) ?? 0) + 1);
  }
}
