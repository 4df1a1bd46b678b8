import type { Candidates } from './candidates.js';
import type { Dataset } from './dataset.js';
import { indexRequests } from './requests.js';

/**
 * Finds the mined candidates of a request: those that were found for the same user at its time or, failing that, at the
 * latest time before it that is no more than `window` seconds ago. Nothing that was found later is ever used: it may rest on
 * what the request brought about.
 *
 * @returns the rows `from … to` of the candidates; undefined where there are none
 */
export function minedBefore(
  dataset: Dataset,
  mined: Candidates,
  window: number,
): (user: number, time: number) => { from: number; to: number } | undefined {
  const { events } = dataset;
  const { first } = indexRequests(dataset);
  const { event } = mined;
  /** Of each user the requests that were mined, in the order of time. */
  const byUser = new Map<number, { time: number; from: number; to: number }[]>();
  for (let from = 0; from < event.length; ) {
    let to = from + 1;
    while (to < event.length && event[to] === event[from]) to++;
    const row = event[from]!;
    const own = byUser.get(events.user[row]!) ?? [];
    own.push({ time: events.time[first(row)]!, from, to });
    byUser.set(events.user[row]!, own);
    from = to;
  }
  for (const own of byUser.values()) own.sort((a, b) => a.time - b.time);
  return (user, time) => {
    const latest = byUser.get(user)?.findLast((request) => request.time <= time);
    return latest !== undefined && time - latest.time <= window ? latest : undefined;
  };
}
