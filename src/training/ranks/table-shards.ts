import type { Rank } from '../../data/batch-share.js';
import type { Parameter } from '../../graph/index.js';
import { Random } from '../../random.js';
import type { Feeds } from '../../schema.js';
import type { Optimizer } from '../optimizers.js';
import { bundleLayouts } from '../parameter-store.js';
import { tableSlot } from '../step-feeds.js';
import { ownedBundle } from '../training-graph.js';

/** A rank's rows of one bundle of tables: row r of the bundle is row ⌊r / ranks⌋ of rank r mod ranks. */
export interface Shard {
  /** Of the whole bundle. */
  rows: number;
  width: number;
  offsets: ReadonlyMap<string, number>;
  /** Rows that this rank has. */
  own: number;
  /** The values, and then what the optimizer remembers, each [own, width]. */
  arrays: [values: Float32Array, ...slots: Float32Array[]];
}

/** The rows of all tables that one rank owns, with their first values: the same that one process would have. */
export function shardTables(
  rank: Rank,
  parameters: readonly Parameter[],
  optimizer: Optimizer,
  seed: number,
  bundleOf: (table: Parameter) => string,
): Map<string, Shard> {
  const shards = new Map<string, Shard>();
  for (const [bundle, layout] of bundleLayouts(parameters, bundleOf)) {
    const own = ownRows(rank, layout.rows);
    const slots = optimizer.slots.map(() => new Float32Array(own * layout.width).fill(optimizer.initial));
    const values = new Float32Array(own * layout.width);
    const shard: Shard = { ...layout, own, arrays: [values, ...slots] };
    for (const [name, offset] of layout.offsets) {
      const { shape, initialize } = parameters.find((parameter) => parameter.name === name)!;
      takeOwn(rank, shard, values, initialize(shape, Random.of(seed, 'initialize', name)), offset);
    }
    shards.set(bundle, shard);
  }
  return shards;
}

export function ownRows({ rank, size }: Rank, rows: number): number {
  return Math.floor((rows - rank + size - 1) / size);
}

/** Copies what a rank owns of some neighbouring rows of a bundle, the first of which is row `begin`. */
export function takeOwn(
  { rank, size }: Rank,
  { width }: Shard,
  target: Float32Array,
  rows: Float32Array,
  begin: number,
): void {
  const count = rows.length / width;
  const first = (((rank - begin) % size) + size) % size;
  for (let i = first; i < count; i += size) {
    target.set(rows.subarray(i * width, (i + 1) * width), Math.floor((begin + i) / size) * width);
  }
}

/** The feeds of the update: every array of every shard. */
export function shardFeeds(shards: ReadonlyMap<string, Shard>, optimizer: Optimizer): Feeds {
  const feeds: Feeds = {};
  for (const [bundle, { own, width, arrays }] of shards) {
    const name = ownedBundle(bundle);
    arrays.forEach((data, i) => {
      feeds[i === 0 ? name : tableSlot(name, optimizer.slots[i - 1]!)] = { data, shape: [own, width] };
    });
  }
  return feeds;
}
