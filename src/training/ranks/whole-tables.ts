import { bytesOf, floatsOf, type Ranks } from '../../distributed/ranks.js';
import type { ParameterStore } from '../parameter-store.js';
import { ownRows, type Shard, takeOwn } from './table-shards.js';

/** Values that go over the wire at once, so that buffers stay small however large a table is. */
const AT_ONCE = 1 << 22;

/** Puts the rows of all ranks together in the first rank's store; the others pass none. */
export async function gatherTables(
  ranks: Ranks,
  shards: ReadonlyMap<string, Shard>,
  store: ParameterStore | undefined,
): Promise<void> {
  const nothing = new Uint8Array();
  for (const [bundle, shard] of shards) {
    const { width, arrays } = shard;
    const step = Math.max(1, Math.floor(AT_ONCE / width));
    const most = ownRows({ rank: 0, size: ranks.size }, shard.rows);
    for (const [i, array] of arrays.entries()) {
      for (let begin = 0; begin < most; begin += step) {
        const piece = bytesOf(array.subarray(begin * width, Math.min(shard.own, begin + step) * width));
        const come = await ranks.swap(Array.from({ length: ranks.size }, (_, r) => (r === 0 ? piece : nothing)));
        const whole = arrayOf(store, bundle, i);
        if (whole === undefined) continue;
        come.map(floatsOf).forEach((rows, r) => {
          for (let k = 0; k < rows.length / width; k++) {
            whole.set(rows.subarray(k * width, (k + 1) * width), ((begin + k) * ranks.size + r) * width);
          }
        });
      }
    }
  }
}

/** The other way round: every rank takes its rows of the first rank's store. */
export async function scatterTables(
  ranks: Ranks,
  shards: ReadonlyMap<string, Shard>,
  store: ParameterStore | undefined,
): Promise<void> {
  for (const [bundle, shard] of shards) {
    const step = Math.max(1, Math.floor(AT_ONCE / shard.width));
    for (const [i, array] of shard.arrays.entries()) {
      for (let begin = 0; begin < shard.rows; begin += step) {
        const piece = arrayOf(store, bundle, i)?.subarray(begin * shard.width, (begin + step) * shard.width);
        const rows = floatsOf(await ranks.broadcast(piece && bytesOf(piece)));
        takeOwn(ranks, shard, array, rows, begin);
      }
    }
  }
}

/** Every rank takes over the first one's long vectors. */
export async function shareVectors(ranks: Ranks, store: ParameterStore): Promise<void> {
  for (const { current } of [store.dense, ...store.denseSlots, store.states]) {
    current.set(floatsOf(await ranks.broadcast(ranks.rank === 0 ? bytesOf(current) : undefined)));
  }
}

function arrayOf(store: ParameterStore | undefined, bundle: string, i: number): Float32Array | undefined {
  const table = store?.bundles.get(bundle);
  return i === 0 ? table?.values : table?.slots[i - 1];
}
