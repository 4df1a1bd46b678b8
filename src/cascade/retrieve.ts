import type { HostState } from '../training/inference.js';
import type { Phase } from './phase.js';

/** The best of all items for each request, best first. */
export interface Retrieved {
  /** Item rows, [B · n] */
  items: Int32Array;
  /** [B · n] */
  scores: Float32Array;
  /** Items of each request. */
  n: number;
}

/**
 * The k best of all items for each request by the phase's index, fewer where the corpus is smaller. Nothing is left out but
 * row 0, which stands for unknown items.
 */
export async function retrieve(phase: Phase, users: HostState, k: number): Promise<Retrieved> {
  const query = users[`user.${phase.run.model.retrieval!.user}`]!;
  const index = await phase.index();
  const n = Math.min(k, index.count);
  const ranked = await index.search({ data: query.data as Float32Array, shape: query.shape }, n);
  const found: Retrieved = { items: new Int32Array(ranked.length * n), scores: new Float32Array(ranked.length * n), n };
  ranked.forEach(({ items, scores }, b) => {
    found.items.set(items, b * n);
    found.scores.set(scores, b * n);
  });
  return found;
}
