import type { Dataset } from '../data/dataset.js';
import { requestLists } from '../data/request-lists.js';
import { Random } from '../random.js';

/** Requests of a part of the log, in the order of time. */
export interface CascadeRequests {
  /** [Q] The event that speaks for the request: user, context and time are those of its first exposure. */
  event: Uint32Array;
  /** The items that were shown and liked, per request, distinct and known; may be empty. */
  relevant: Int32Array[];
  /** The items that were shown, per request, in the order of the log. */
  shown: Int32Array[];
}

/** Seconds in which the exposures of a user are taken for one request, where the log numbers none. */
export const WINDOW = 600;

/** The requests of event rows as `requestLists` groups them. @param rows ascending */
export function requestsOf(dataset: Dataset, rows: Uint32Array, window = WINDOW): CascadeRequests {
  const { item, feedback } = dataset.events;
  const labels = feedback.get(dataset.label)!;
  const { offsets, events } = requestLists(dataset, rows, window);
  const lists = Array.from({ length: offsets.length - 1 }, (_, l) => events.subarray(offsets[l], offsets[l + 1]));
  const liked = (list: Uint32Array) => list.filter((row) => labels[row]! > 0 && item[row] !== 0);
  return {
    event: Uint32Array.from(lists, (list) => list[0]!),
    relevant: lists.map((list) => Int32Array.from(new Set(Array.from(liked(list), (row) => item[row]!)))),
    shown: lists.map((list) => Int32Array.from(list, (row) => item[row]!)),
  };
}

/** The requests for which `keep` says yes, by their number. */
export function selectRequests(
  { event, relevant, shown }: CascadeRequests,
  keep: (request: number) => boolean,
): CascadeRequests {
  const kept = Array.from(event, (_, request) => request).filter(keep);
  return {
    event: Uint32Array.from(kept, (q) => event[q]!),
    relevant: kept.map((q) => relevant[q]!),
    shown: kept.map((q) => shown[q]!),
  };
}

/** So many of the requests, drawn evenly, in their order; all of them when `count` is 0 or no fewer. */
export function drawRequests(requests: CascadeRequests, count: number, seed: number): CascadeRequests {
  const total = requests.event.length;
  if (count === 0 || count >= total) return requests;
  const order = Random.of(seed, 'requests').shuffle(Uint32Array.from({ length: total }, (_, q) => q));
  const drawn = new Set(order.subarray(0, count));
  return selectRequests(requests, (q) => drawn.has(q));
}
