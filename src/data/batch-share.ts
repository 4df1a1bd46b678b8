/** One of several processes that train together. */
export interface Rank {
  /** From 0. */
  rank: number;
  /** How many there are. */
  size: number;
}

/** The rows of one kind in a batch, and whose they are. */
export interface SharedRows {
  /** In the whole batch. */
  total: number;
  /** This rank's, ascending. */
  own: Int32Array;
  /** How many every rank has. */
  counts: readonly number[];
  /** Row in the whole batch of each row of all ranks, one rank's after another's; absent where that is 0, 1, 2, … */
  order?: Int32Array;
}

/** One rank's part of a batch: neighbouring requests with all their pairs, and neighbouring items, each of which one rank has. */
export type BatchShare = Record<'B' | 'I' | 'P', SharedRows>;

/**
 * Shares a batch out.
 *
 * @param pairRequest request of each pair of the whole batch, [P]
 */
export function shareBatch(rank: Rank, requests: number, items: number, pairRequest: Int32Array): BatchShare {
  const B = neighbours(rank, requests);
  const owners = new Int32Array(requests);
  for (let r = 0, at = 0; r < rank.size; at += B.counts[r]!, r++) owners.fill(r, at, at + B.counts[r]!);
  return { B, I: neighbours(rank, items), P: byOwner(rank, pairRequest, owners) };
}

function neighbours({ rank, size }: Rank, total: number): SharedRows {
  const bound = (r: number) => Math.floor((total * r) / size);
  const counts = Array.from({ length: size }, (_, r) => bound(r + 1) - bound(r));
  return { total, own: Int32Array.from({ length: counts[rank]! }, (_, i) => bound(rank) + i), counts };
}

/** Pairs go where their request goes. */
function byOwner({ rank, size }: Rank, pairRequest: Int32Array, owners: Int32Array): SharedRows {
  const counts = new Array<number>(size).fill(0);
  for (const request of pairRequest) counts[owners[request]!]!++;
  const next = counts.map((_, r) => counts.slice(0, r).reduce((a, b) => a + b, 0));
  const begin = next[rank]!;
  const order = new Int32Array(pairRequest.length);
  for (let p = 0; p < pairRequest.length; p++) order[next[owners[pairRequest[p]!]!]!++] = p;
  return { total: pairRequest.length, own: order.slice(begin, begin + counts[rank]!), counts, order };
}

/** The pairs, requests and items of a batch before anything is gathered for them. */
export interface Numbered {
  /** Row of each pair, [P]. */
  rows: Uint32Array;
  pairRequest: Int32Array;
  pairItem: Int32Array;
  /** [B] */
  requestEvents: Int32Array;
  /** [I] */
  items: Int32Array;
}

/** A rank's part. Its pairs count its own requests, but the items of all. */
export function shareOf(
  { rows, pairRequest, pairItem, requestEvents, items }: Numbered,
  { B, I, P }: BatchShare,
): Numbered {
  const first = B.own[0] ?? 0;
  return {
    rows: Uint32Array.from(P.own, (p) => rows[p]!),
    pairRequest: P.own.map((p) => pairRequest[p]! - first),
    pairItem: P.own.map((p) => pairItem[p]!),
    requestEvents: B.own.map((request) => requestEvents[request]!),
    items: I.own.map((item) => items[item]!),
  };
}

/** Positions of the longest list, at least one. */
export function longestList(pairRequest: Int32Array, requests: number): number {
  const lengths = new Int32Array(requests);
  for (const request of pairRequest) lengths[request]!++;
  return lengths.reduce((most, length) => Math.max(most, length), 1);
}
