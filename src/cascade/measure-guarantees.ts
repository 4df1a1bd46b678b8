import { type Guarantees, type ListGuarantee, listGuarantee, summarizeGuarantees } from './guarantees.js';
import type { Phase } from './phase.js';
import { retrieve } from './retrieve.js';

/** Requests that are retrieved for side by side. */
const REQUEST_BLOCK = 64;

/**
 * Measures ε, μ, |U| and the bounds of `guarantees.ts` for a run that both retrieves and re-ranks: for each request the list is
 * what its towers retrieve and the relevant items they miss.
 *
 * @param relevant distinct item rows of each request, [Q]; requests without any do not count
 * @param k how many items are retrieved
 */
export async function measureGuarantees(
  phase: Phase,
  events: Uint32Array,
  relevant: readonly Int32Array[],
  k: number,
): Promise<Guarantees> {
  const lists: ListGuarantee[] = [];
  let kept = k;
  for (let from = 0; from < events.length; from += REQUEST_BLOCK) {
    const block = events.slice(from, from + REQUEST_BLOCK);
    const found = await retrieve(phase, await phase.users(block), k);
    kept = found.n;
    for (let b = 0; b < block.length; b++) {
      const wanted = relevant[from + b]!;
      if (wanted.length === 0) continue;
      const retrieved = found.items.subarray(b * found.n, (b + 1) * found.n);
      const missed = wanted.filter((item) => !retrieved.includes(item));
      const items = Int32Array.from([...retrieved, ...missed]);
      // Lists differ in length by what was missed, so that each goes alone.
      const users = await phase.users(block.slice(b, b + 1));
      const towers = await phase.score(users, items);
      const ranker = await phase.rerank(users, items);
      const within = Array.from(items, (_, i) => (i < retrieved.length ? 1 : 0));
      // The towers' scores are computed anew: one that ties with the last retrieved may come out a rounding above it.
      const lowest = towers.subarray(0, retrieved.length).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
      const settled = towers.map((score, i) => (within[i] ? score : Math.min(score, lowest)));
      lists.push(
        listGuarantee(
          settled,
          ranker,
          within,
          Array.from(items, (item) => (wanted.includes(item) ? 1 : 0)),
        ),
      );
    }
  }
  return summarizeGuarantees(lists, kept);
}
