import type { HostState } from '../training/inference.js';
import type { Cascade } from './open.js';
import { bestPositions, take } from './order.js';
import type { Phase } from './phase.js';
import { retrieve } from './retrieve.js';

/** Requests that go through the cascade side by side. */
const REQUEST_BLOCK = 64;

/** What every run says about what retrieval finds for some requests: enough to try any list lengths up to `n`. */
export interface Collected {
  /** [Q] */
  events: Uint32Array;
  /** Items retrieved for each request. */
  n: number;
  /** Item rows, best first, [Q · n] */
  retrieved: Int32Array;
  /** Scores of retrieval and of pre-ranking for these, [Q · n] */
  scores: Float32Array;
  prerank?: Float32Array;
  /** Logits of the ranker for these, [Q · n]; absent for one that orders whole lists. */
  rank?: Float32Array;
}

/** List lengths: what each phase hands on. */
export interface Sizes {
  retrieve: number;
  prerank: number;
  rank: number;
}

/** How some requests passed through the cascade, item rows throughout. */
export interface Passage {
  sizes: Sizes;
  /** In the order of retrieval, [Q · retrieve] */
  retrieved: Int32Array;
  /** What pre-ranking kept in its order (without pre-ranking, what was retrieved), [Q · prerank] */
  preranked: Int32Array;
  /** The same in the order of the ranker; as `preranked` without one. */
  ranked: Int32Array;
  /** What was retrieved in the order the ranker would give all of it; absent without a ranker. */
  oracle?: Int32Array;
}

/** Retrieves for every request and scores what was found. */
export async function collect(
  { phases }: Pick<Cascade, 'phases'>,
  events: Uint32Array,
  items: number,
  onProgress: (done: number) => void = () => {},
): Promise<Collected> {
  const total = events.length;
  let collected: Collected | undefined;
  for (let from = 0; from < total; from += REQUEST_BLOCK) {
    const block = events.slice(from, from + REQUEST_BLOCK);
    const users = usersOnce(block);
    const found = await retrieve(phases.retrieve, await users(phases.retrieve), items);
    const { n } = found;
    collected ??= empty(events, n, phases);
    collected.retrieved.set(found.items, from * n);
    collected.scores.set(found.scores, from * n);
    const { prerank, rank } = phases;
    if (prerank) collected.prerank!.set(await prerank.score(await users(prerank), found.items), from * n);
    if (rank && !rank.listwise) collected.rank!.set(await rank.score(await users(rank), found.items), from * n);
    onProgress(Math.min(1, (from + block.length) / total));
  }
  return collected ?? empty(events, items, phases);
}

/** Sends what was collected through the cascade with some list lengths. */
export async function pass(
  { phases }: Pick<Cascade, 'phases'>,
  collected: Collected,
  wanted: Sizes,
  { oracle = true }: { oracle?: boolean } = {},
): Promise<Passage> {
  const { n, events } = collected;
  const sizes = clipped(wanted, n, phases.prerank !== undefined);
  const head = (values: Int32Array | Float32Array) => firstOfEach(values, n, sizes.retrieve);
  const retrieved = head(collected.retrieved) as Int32Array;
  const inOrder = (lists: Int32Array, scores: Float32Array, length: number, kept: number) =>
    take(lists, length, bestPositions(lists, scores, length, kept), kept);

  let preranked = retrieved;
  let positions: Int32Array | undefined;
  if (collected.prerank !== undefined) {
    positions = bestPositions(retrieved, head(collected.prerank) as Float32Array, sizes.retrieve, sizes.prerank);
    preranked = take(retrieved, sizes.retrieve, positions, sizes.prerank);
  }
  const { rank } = phases;
  if (rank === undefined) return { sizes, retrieved, preranked, ranked: preranked };

  const allLogits = collected.rank && (head(collected.rank) as Float32Array);
  const logits =
    allLogits === undefined
      ? await orderLists(rank, events, preranked, sizes.prerank)
      : positions === undefined
        ? allLogits
        : Float32Array.from(positions, (at, i) => allLogits[Math.floor(i / sizes.prerank) * sizes.retrieve + at]!);
  const ranked = inOrder(preranked, logits, sizes.prerank, sizes.prerank);
  if (!oracle) return { sizes, retrieved, preranked, ranked };
  const all = allLogits ?? (await orderLists(rank, events, retrieved, sizes.retrieve));
  return { sizes, retrieved, preranked, ranked, oracle: inOrder(retrieved, all, sizes.retrieve, sizes.retrieve) };
}

/** Logits of a ranker for lists of n items each. */
export async function orderLists(
  phase: Phase,
  events: Uint32Array,
  lists: Int32Array,
  n: number,
): Promise<Float32Array> {
  const logits = new Float32Array(lists.length);
  for (let from = 0; from < events.length; from += REQUEST_BLOCK) {
    const users = await phase.users(events.slice(from, from + REQUEST_BLOCK));
    logits.set(await phase.order(users, lists.slice(from * n, (from + REQUEST_BLOCK) * n)), from * n);
  }
  return logits;
}

/** States of the requests for each phase, computed once where two phases are one run. */
export function usersOnce(events: Uint32Array): (phase: Phase) => Promise<HostState> {
  const states = new Map<Phase, HostState>();
  return async (phase) => {
    const known = states.get(phase) ?? (await phase.users(events));
    states.set(phase, known);
    return known;
  };
}

/** The lengths that a corpus allows; without pre-ranking the ranker gets all that was retrieved. */
export function clipped(wanted: Sizes, n: number, preranks: boolean): Sizes {
  const retrieve = Math.min(wanted.retrieve, n);
  const prerank = preranks ? Math.min(wanted.prerank, retrieve) : retrieve;
  return { retrieve, prerank, rank: Math.min(wanted.rank, prerank) };
}

function empty(events: Uint32Array, n: number, { prerank, rank }: Cascade['phases']): Collected {
  const places = events.length * n;
  return {
    events,
    n,
    retrieved: new Int32Array(places),
    scores: new Float32Array(places),
    ...(prerank && { prerank: new Float32Array(places) }),
    ...(rank && !rank.listwise && { rank: new Float32Array(places) }),
  };
}

function firstOfEach<T extends Int32Array | Float32Array>(values: T, n: number, kept: number): T {
  return (kept === n ? values : values.filter((_, i) => i % n < kept)) as T;
}
