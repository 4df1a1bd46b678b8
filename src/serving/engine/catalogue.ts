import type { RawRecord } from '../../data/featurizer.js';
import type { Feeds } from '../../schema.js';
import type { CatalogueItem, ChangeReport, ItemRow, Key, Phase } from '../contract.js';
import type { PhaseEncoding } from './encoding.js';
import { Filters } from './filters.js';
import { capacityOf, isFiniteRow, makeRoom, type SharedStates } from './item-states.js';
import type { Lane } from './lane.js';
import type { Pool } from './pool.js';
import { canonicalKey, type RawTable } from './raw-table.js';

/** Items encoded, and taken into the index, at once: requests wait no longer than for so many. */
const BLOCK = 64;

export interface CataloguePhase {
  phase: Phase;
  encoding: PhaseEncoding;
  states: SharedStates;
}

/**
 * The items of a version and their changes. A changed item gets a new row, so that a request under way sees the old one whole;
 * a row is used again once no request is left that could know it. Changes are made one after the other.
 */
export class Catalogue {
  readonly filters: Filters;
  /** Which rows are items, by row. */
  alive: Uint8Array;
  /** Grows when an item that was there before is changed or deleted: what was computed from its values no longer holds. */
  generation = 0;
  /** Rows in use or not. */
  rows: number;
  /** Rows the artifact brought. They are never used again: histories name items by them. */
  private readonly brought: number;
  private readonly free: { row: number; after: number }[] = [];
  private capacity: number;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    readonly table: RawTable,
    private readonly phases: readonly CataloguePhase[],
    private readonly keyColumn: string | undefined,
    /** Set once the lanes exist. */
    private readonly pool: () => Pool,
  ) {
    this.rows = table.rows;
    this.capacity = Math.min(...phases.map(({ states }) => capacityOf(states)));
    this.alive = new Uint8Array(this.capacity).fill(1, 1, this.rows);
    this.filters = new Filters(
      table,
      () => this.capacity,
      (row) => this.isItem(row),
    );
    this.brought = this.rows;
  }

  isItem(row: number): boolean {
    return this.alive[row] === 1;
  }

  item(key: Key): CatalogueItem | undefined {
    const row = this.table.rowOf(key);
    return row === 0 ? undefined : { key: this.table.keyOf(row), values: this.table.values(row) };
  }

  /** Raw values of an item, for histories; of one that is not known, the key alone, which the vocabulary may still know. */
  values(key: unknown): RawRecord {
    const row = this.table.rowOf(key as Key);
    if (row !== 0) return this.table.values(row);
    return this.keyColumn === undefined ? {} : { [this.keyColumn]: key };
  }

  put(items: readonly ItemRow[]): Promise<ChangeReport> {
    return this.inTurn(async () => {
      const byKey = new Map<string | number, ItemRow>();
      for (const item of items) {
        const key = canonicalKey(item.key);
        if (key !== undefined) byKey.set(key, item);
      }
      const rows = [...byKey.values()];
      let applied = 0;
      for (let from = 0; from < rows.length; from += BLOCK)
        applied += await this.putBlock(rows.slice(from, from + BLOCK));
      return { applied, ignored: items.length - applied };
    });
  }

  delete(keys: readonly Key[]): Promise<ChangeReport> {
    return this.inTurn(async () => {
      const off: number[] = [];
      for (const key of keys) {
        const row = this.table.remove(key);
        if (row !== 0) off.push(row);
      }
      await this.change([], off);
      return { applied: off.length, ignored: keys.length - off.length };
    });
  }

  private async putBlock(items: readonly ItemRow[]): Promise<number> {
    const lanes = this.pool().lanes;
    const values = items.map(({ key, values }) =>
      this.keyColumn === undefined || Object.hasOwn(values, this.keyColumn)
        ? values
        : { ...values, [this.keyColumn]: key },
    );
    const rows = await this.takeRows(items.length);
    const feeds: Partial<Record<Phase, Feeds>> = {};
    for (const { phase, encoding } of this.phases) feeds[phase] = encoding.items(values);
    await lanes[0]!.encode(rows, feeds);

    const on: number[] = [];
    const off: number[] = [];
    items.forEach(({ key }, i) => {
      const row = rows[i]!;
      if (!this.isFinite(row)) {
        this.free.push({ row, after: 0 });
        return;
      }
      this.table.write(row, key, values[i]!);
      on.push(row);
      const old = this.table.rowOf(key);
      if (old !== 0) off.push(old);
    });
    await this.change(on, off, () => {
      for (const row of on) this.table.point(this.table.keyOf(row), row);
    });
    return on.length;
  }

  /** Takes rows out and in everywhere at once, between two requests. */
  private async change(on: readonly number[], off: readonly number[], then: () => void = () => {}): Promise<void> {
    if (off.length > 0) this.generation++;
    const { alive } = this;
    for (const row of off) {
      alive[row] = 0;
      this.filters.changed(row, false);
    }
    for (const row of on) {
      alive[row] = 1;
      this.filters.changed(row, true);
    }
    const change = { rows: this.rows, on: Int32Array.from(on), off: Int32Array.from(off) };
    await this.everyLane((lane) => lane.change(change));
    then();
    for (const row of off) if (row >= this.brought) this.free.push({ row, after: this.pool().asked });
  }

  private async takeRows(count: number): Promise<Int32Array> {
    const { oldest } = this.pool();
    const rows: number[] = [];
    while (rows.length < count && this.free.length > 0 && this.free[0]!.after <= oldest)
      rows.push(this.free.shift()!.row);
    const fresh = count - rows.length;
    if (this.rows + fresh > this.capacity) await this.grow(this.rows + fresh);
    for (let i = 0; i < fresh; i++) rows.push(this.rows++);
    return Int32Array.from(rows);
  }

  private async grow(rows: number): Promise<void> {
    this.capacity = 2 * rows;
    const alive = new Uint8Array(this.capacity);
    alive.set(this.alive);
    this.alive = alive;
    const grown: Partial<Record<Phase, SharedStates>> = {};
    for (const { phase, states } of this.phases) {
      makeRoom(states, this.capacity);
      grown[phase] = states;
    }
    await this.everyLane((lane) => lane.grow(grown));
    this.filters.forget();
  }

  /** Tells every lane; one that is lost meanwhile is replaced by one that begins with what there is now. */
  private async everyLane(tell: (lane: Lane) => Promise<void>): Promise<void> {
    const pool = this.pool();
    await Promise.all(
      [...pool.everyone].map((lane) =>
        tell(lane).catch((error) => {
          if (pool.everyone.includes(lane)) throw error;
        }),
      ),
    );
  }

  private isFinite(row: number): boolean {
    return this.phases.every(({ states }) => isFiniteRow(states, row));
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const after = this.last.then(work);
    this.last = after.catch(() => {});
    return after;
  }
}
