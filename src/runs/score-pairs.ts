import { requestFeeds } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { Distinct } from '../data/distinct.js';
import { indexRequests } from '../data/requests.js';
import { allItemStates } from '../evaluation/evaluate.js';
import type { Inference } from '../training/inference.js';

/** Pairs of a request and an item that need not have been logged. */
export interface EventItems {
  /** [n] The event that speaks for the request: its user, its context, and the time of the request it belongs to. */
  event: ArrayLike<number>;
  /** [n] Row in the item table. */
  item: ArrayLike<number>;
}

/** Pairs that go through a program at once. */
const BLOCK = 4096;

/**
 * Logits of pairs, each with histories as of its request: [n].
 *
 * @param onProgress told the share done, 0 to 1
 */
export async function scorePairs(
  inference: Inference,
  dataset: Dataset,
  { event, item }: EventItems,
  onProgress: (done: number) => void = () => {},
): Promise<Float32Array> {
  const { events } = dataset;
  const { first } = indexRequests(dataset);
  const items = await allItemStates(inference, dataset);
  const logits = new Float32Array(item.length);
  const distinct = new Distinct();
  for (let from = 0; from < item.length; from += BLOCK) {
    const to = Math.min(from + BLOCK, item.length);
    distinct.clear();
    const request = Int32Array.from({ length: to - from }, (_, i) => distinct.add(event[from + i]!));
    const speakers = distinct.keys();
    const feeds = requestFeeds(dataset, {
      users: Int32Array.from(speakers, (row) => events.user[row]!),
      times: Float64Array.from(speakers, (row) => events.time[first(row)]!),
      contexts: speakers,
    });
    const rows = Int32Array.from({ length: to - from }, (_, i) => item[from + i]!);
    logits.set(await inference.askedPairs(feeds, items, request, rows), from);
    onProgress(to / item.length);
  }
  return logits;
}
