import type { EventTable, HistoryLog } from './dataset.js';

/** What users did before the events begin: user u owns `items[offsets[u] … offsets[u + 1])`, oldest first. */
export interface Seeds {
  offsets: Uint32Array;
  items: Int32Array;
  /** Of each user: the time of the last of them where the source tells it, else -Infinity. */
  lastTime: Float64Array;
  /** Items left out because neither the item table nor the events know them. */
  unknown: number;
}

/** The time of each user's first event, +Infinity where there is none. Events are in time order. */
export function firstEvents(events: EventTable, users: number): Float64Array {
  const first = new Float64Array(users).fill(Number.POSITIVE_INFINITY);
  for (let i = events.count - 1; i >= 0; i--) first[events.user[i]!] = events.time[i]!;
  return first;
}

/** Groups the positive events by user, in time order, after what the seeds tell. */
export function buildHistoryLog(
  name: string,
  maxLength: number,
  events: EventTable,
  positive: Float32Array,
  users: number,
  seeds?: Seeds,
): HistoryLog {
  const offsets = new Uint32Array(users + 1);
  for (let i = 0; i < events.count; i++) if (positive[i]! > 0) offsets[events.user[i]! + 1]!++;
  for (let user = 0; user < users; user++) {
    const before = seeds === undefined ? 0 : seeds.offsets[user + 1]! - seeds.offsets[user]!;
    offsets[user + 1]! += offsets[user]! + before;
  }
  const item = new Int32Array(offsets[users]!);
  const time = new Float64Array(offsets[users]!);
  const next = offsets.slice();
  if (seeds !== undefined) {
    for (let user = 0; user < users; user++) {
      for (let i = seeds.offsets[user]!; i < seeds.offsets[user + 1]!; i++) {
        const at = next[user]!++;
        item[at] = seeds.items[i]!;
        time[at] = seeds.lastTime[user]!;
      }
    }
  }
  for (let i = 0; i < events.count; i++) {
    if (!(positive[i]! > 0)) continue;
    const at = next[events.user[i]!]!++;
    item[at] = events.item[i]!;
    time[at] = events.time[i]!;
  }
  return { name, maxLength, offsets, item, time };
}
