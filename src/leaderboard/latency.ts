import { atPercentiles, type Milliseconds } from '../cascade/timing.js';
import { BatchAssembler } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { allItemStates } from '../evaluation/evaluate.js';
import { type Inference, sliceState } from '../training/inference.js';

/** How long one request takes on this machine, with the states of the items at hand. */
export interface Latency {
  /** Candidates that were scored for each request. */
  candidates: number;
  requests: number;
  user: Milliseconds;
  score: Milliseconds;
}

const WARM_UP = 3;

/** Sends the requests of some events through the user part and the scores of the first items, one by one. */
export async function measureLatency(
  inference: Inference,
  dataset: Dataset,
  events: Uint32Array,
  wanted = 1000,
): Promise<Latency> {
  const candidates = Math.max(1, Math.min(wanted, dataset.items.count - 1));
  const items = sliceState(
    await allItemStates(inference, dataset),
    dataset.items.count - candidates,
    dataset.items.count,
  );
  const assembler = new BatchAssembler(dataset);
  const spent = { user: [] as number[], score: [] as number[] };
  for (let i = -Math.min(WARM_UP, events.length); i < events.length; i++) {
    const { feeds } = assembler.assemble(events.slice(Math.max(0, i), Math.max(0, i) + 1), 0);
    const begun = performance.now();
    const user = await inference.users(feeds);
    const asked = performance.now();
    await inference.score(user, items);
    if (i < 0) continue;
    spent.user.push(asked - begun);
    spent.score.push(performance.now() - asked);
  }
  return { candidates, requests: events.length, user: atPercentiles(spent.user), score: atPercentiles(spent.score) };
}
