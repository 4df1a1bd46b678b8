import type { Dataset } from './dataset.js';
import { contextColumns, leaders, sameValue } from './requests.js';

/** Events cut into lists, one list per request: list l owns `events[offsets[l] … offsets[l + 1])`, in time order. */
export interface RequestLists {
  /** [lists + 1] */
  offsets: Uint32Array;
  /** Event rows. The first of a list speaks for its user, context and time. */
  events: Uint32Array;
}

/**
 * Groups events into the lists that users were given. Where the log numbers its requests, events of one number and one user
 * are a list; elsewhere those of one user that follow the first of them within `window` seconds. Events that differ in an
 * encoded context feature are in different lists, since one request has one context. Lists stand in the order of their first
 * events.
 *
 * @param rows event rows, ascending
 * @param window seconds from a list's first event to its last at most; 0 puts only equal times together
 */
export function requestLists(dataset: Dataset, rows: Uint32Array, window: number): RequestLists {
  const listOf = dataset.events.request === undefined ? byWindow(dataset, rows, window) : byNumber(dataset, rows);
  const offsets = new Uint32Array(1 + listOf.reduce((most, list) => Math.max(most, list + 1), 0));
  for (const list of listOf) offsets[list + 1]!++;
  for (let list = 1; list < offsets.length; list++) offsets[list]! += offsets[list - 1]!;
  const next = offsets.slice();
  const events = new Uint32Array(rows.length);
  for (let i = 0; i < rows.length; i++) events[next[listOf[i]!]!++] = rows[i]!;
  return { offsets, events };
}

/** The list of every row, by the log's numbers. */
function byNumber(dataset: Dataset, rows: Uint32Array): Uint32Array {
  const { user, request: numbers } = dataset.events;
  const context = contextColumns(dataset);
  const leader = leaders(
    rows.length,
    (i) => Math.imul(numbers![rows[i]!]!, 0x9e3779b1) ^ Math.imul(user[rows[i]!]!, 0x85ebca6b),
    (i, j) => {
      const [a, b] = [rows[i]!, rows[j]!];
      return numbers![a] === numbers![b] && user[a] === user[b] && context.every((column) => sameValue(column, a, b));
    },
  );
  const listOf = new Uint32Array(rows.length);
  let lists = 0;
  for (let i = 0; i < rows.length; i++) listOf[i] = leader[i] === i ? lists++ : listOf[leader[i]!]!;
  return listOf;
}

/** The list of every row, by the time since the list's first event. */
function byWindow(dataset: Dataset, rows: Uint32Array, window: number): Uint32Array {
  const { user, time } = dataset.events;
  const context = contextColumns(dataset);
  /** Of each user, lists that may still grow: their number and first event. */
  const open = new Map<number, { list: number; first: number }[]>();
  const listOf = new Uint32Array(rows.length);
  let lists = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const growing = (open.get(user[row]!) ?? []).filter(({ first }) => time[row]! - time[first]! <= window);
    let own = growing.find(({ first }) => context.every((column) => sameValue(column, first, row)));
    if (own === undefined) {
      own = { list: lists++, first: row };
      growing.push(own);
    }
    open.set(user[row]!, growing);
    listOf[i] = own.list;
  }
  return listOf;
}
