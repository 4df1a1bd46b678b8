import { bytesOf, floatsOf, intsOf, type Ranks } from '../../distributed/ranks.js';
import type { Touched } from '../table-rows.js';
import { StepMemory } from './step-memory.js';
import type { Shard } from './table-shards.js';

/** The rows of one bundle on their way between the ranks that look them up and those that own them. */
interface Traffic {
  /** By owner: places among the rows that this rank looks up. */
  places: Int32Array[];
  /** By asking rank: places among `owned`. */
  asked: Int32Array[];
  /** Distinct rows of this rank's shard that any rank looks up, in the order in which they are asked for. */
  owned: Int32Array;
}

/**
 * Fetches the rows of tables that a step looks up from the ranks that own them, and hands their gradients back, summed in the
 * order of ranks. What it returns is valid until it is asked again.
 */
export class RowExchange {
  private readonly seen: Map<string, { stamp: Int32Array; place: Int32Array; round: number }>;
  private readonly traffic = new Map<string, Traffic>();
  private readonly memory = new StepMemory();

  constructor(
    private readonly ranks: Ranks,
    private readonly shards: ReadonlyMap<string, Shard>,
  ) {
    this.seen = new Map(
      [...shards].map(([bundle, { own }]) => [
        bundle,
        { stamp: new Int32Array(own), place: new Int32Array(own), round: 0 },
      ]),
    );
  }

  /** Rows of this rank's shard that the step updates, after `fetch`. */
  owned(bundle: string): Int32Array {
    return this.traffic.get(bundle)!.owned;
  }

  /** The values of the rows that this rank's share looks up, by bundle: [rows, width]. */
  async fetch(touched: readonly Touched[]): Promise<Map<string, Float32Array>> {
    const { ranks, shards, traffic } = this;
    traffic.clear();
    const wanted = touched.map(({ rows }) => byOwner(rows, ranks.size));
    const asked = (
      await ranks.swap(each(ranks.size, (r) => bytesOf(withCounts(wanted.map(({ rows }) => rows[r]!)))))
    ).map((bytes) => withoutCounts(intsOf(bytes), touched.length));
    const replies = each(ranks.size, (r) =>
      this.pack(
        `rows for ${r}`,
        touched.map(({ bundle }, i) => ({ bundle, values: shards.get(bundle)!.arrays[0], rows: asked[r]![i]! })),
      ),
    );
    touched.forEach(({ bundle }, i) => {
      const lists = asked.map((all) => all[i]!);
      traffic.set(bundle, { places: wanted[i]!.places, ...this.distinct(bundle, lists) });
    });
    const come = (await ranks.swap(replies)).map(floatsOf);
    const starts = new Int32Array(ranks.size);
    return new Map(
      touched.map(({ bundle, rows }) => {
        const { width } = shards.get(bundle)!;
        const fetched = this.memory.take(`fetched ${bundle}`, 'float32', rows.length * width) as Float32Array;
        traffic.get(bundle)!.places.forEach((places, r) => {
          starts[r] = place(come[r]!, starts[r]!, fetched, width, places);
        });
        return [bundle, fetched];
      }),
    );
  }

  /** From gradients of the rows that each rank looked up those of the rows that this one owns: [owned, width]. */
  async giveBack(gradients: ReadonlyMap<string, Float32Array>): Promise<Map<string, Float32Array>> {
    const { ranks, shards, traffic } = this;
    const parts = each(ranks.size, (r) =>
      this.pack(
        `gradients for ${r}`,
        [...gradients].map(([bundle, values]) => ({ bundle, values, rows: traffic.get(bundle)!.places[r]! })),
      ),
    );
    const come = (await ranks.swap(parts)).map(floatsOf);
    const starts = new Int32Array(ranks.size);
    return new Map(
      [...gradients.keys()].map((bundle) => {
        const { width } = shards.get(bundle)!;
        const { asked, owned } = traffic.get(bundle)!;
        const sums = this.memory.take(`sums ${bundle}`, 'float32', owned.length * width) as Float32Array;
        sums.fill(0);
        asked.forEach((places, r) => {
          starts[r] = addRows(come[r]!, starts[r]!, sums, width, places);
        });
        return [bundle, sums];
      }),
    );
  }

  /** Rows of several arrays one after another, as they go over the wire. */
  private pack(
    name: string,
    pieces: readonly { bundle: string; values: Float32Array; rows: Int32Array }[],
  ): Uint8Array {
    const widths = pieces.map(({ bundle }) => this.shards.get(bundle)!.width);
    const total = pieces.reduce((sum, { rows }, i) => sum + rows.length * widths[i]!, 0);
    const packed = this.memory.take(name, 'float32', total) as Float32Array;
    let to = 0;
    pieces.forEach(({ values, rows }, i) => {
      const width = widths[i]!;
      for (let k = 0; k < rows.length; k++) {
        for (let from = rows[k]! * width, end = from + width; from < end; from++) packed[to++] = values[from]!;
      }
    });
    return bytesOf(packed);
  }

  private distinct(bundle: string, lists: readonly Int32Array[]): Pick<Traffic, 'asked' | 'owned'> {
    const { stamp, place, ...seen } = this.seen.get(bundle)!;
    const round = seen.round + 1;
    this.seen.get(bundle)!.round = round;
    const owned = new Int32Array(lists.reduce((total, { length }) => total + length, 0));
    let count = 0;
    const asked = lists.map((rows) => {
      const places = new Int32Array(rows.length);
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i]!;
        if (stamp[row] !== round) {
          stamp[row] = round;
          place[row] = count;
          owned[count++] = row;
        }
        places[i] = place[row]!;
      }
      return places;
    });
    return { asked, owned: owned.subarray(0, count) };
  }
}

/** Row r is row ⌊r / ranks⌋ of rank r mod ranks. */
function byOwner(rows: Int32Array, ranks: number): { places: Int32Array[]; rows: Int32Array[] } {
  const counts = new Int32Array(ranks);
  for (let i = 0; i < rows.length; i++) counts[rows[i]! % ranks]!++;
  const places = each(ranks, (r) => new Int32Array(counts[r]!));
  const local = each(ranks, (r) => new Int32Array(counts[r]!));
  counts.fill(0);
  for (let i = 0; i < rows.length; i++) {
    const owner = rows[i]! % ranks;
    const at = counts[owner]!++;
    places[owner]![at] = i;
    local[owner]![at] = Math.floor(rows[i]! / ranks);
  }
  return { places, rows: local };
}

/** Puts neighbouring rows to their places; returns where the next ones begin. */
function place(from: Float32Array, start: number, to: Float32Array, width: number, places: Int32Array): number {
  let at = start;
  for (let i = 0; i < places.length; i++) {
    for (let k = places[i]! * width, end = k + width; k < end; k++) to[k] = from[at++]!;
  }
  return at;
}

function addRows(from: Float32Array, start: number, to: Float32Array, width: number, places: Int32Array): number {
  let at = start;
  for (let i = 0; i < places.length; i++) {
    for (let k = places[i]! * width, end = k + width; k < end; k++) to[k]! += from[at++]!;
  }
  return at;
}

/** Lists behind each other, their lengths in front. */
function withCounts(lists: readonly Int32Array[]): Int32Array {
  const result = new Int32Array(lists.reduce((total, { length }) => total + length, lists.length));
  let at = lists.length;
  lists.forEach((list, i) => {
    result[i] = list.length;
    result.set(list, at);
    at += list.length;
  });
  return result;
}

function withoutCounts(values: Int32Array, lists: number): Int32Array[] {
  let end = lists;
  return each(lists, (i) => {
    const begin = end;
    end += values[i]!;
    return values.subarray(begin, end);
  });
}

const each = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
