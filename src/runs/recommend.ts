import { itemFeeds, requestFeeds } from '../data/batches.js';
import type { Dataset } from '../data/dataset.js';
import { TwoTowerError } from '../errors.js';
import { TopK } from '../evaluation/topk.js';
import { checkSameData, loadRunData, type RunDataOptions } from './data.js';
import type { Run } from './open.js';

export interface RecommendOptions extends RunDataOptions {
  /** The user's key, as in the data. */
  user: string | number;
  /** How many items; default 10. */
  k?: number;
  /**
   * Whether items the user was shown before, or that stand in the user's history, may be recommended again; default false.
   */
  includeSeen?: boolean;
  /** The run's dataset, when the caller has it loaded. */
  dataset?: Dataset;
}

/** One user or item, with what describes it to people. */
export interface Described {
  key: string;
  display: Record<string, string | null>;
}

export interface Recommendation extends Described {
  rank: number;
  logit: number;
  probability: number;
}

export interface Recommendations {
  user: Described & { known: boolean };
  /** Best first; equal scores in the order of the item table. */
  items: Recommendation[];
  /** The user's latest positives, newest first, at most five. */
  recent: Described[];
  /** Items left out because the user has seen them. */
  seen: number;
  /** What a reader should know, such as that the user is unknown. */
  notes: string[];
}

const BLOCK = 4096;
const RECENT = 5;

/**
 * The k best of all known items for a user, as of the end of the log: every positive in the log is history, and the context is
 * that of the user's last exposure (unknown where there is none). Every item is scored by the model's `score` part.
 */
export async function recommend(run: Run, options: RecommendOptions): Promise<Recommendations> {
  const { k = 10, includeSeen = false } = options;
  if (!Number.isInteger(k) || k < 1) throw new TwoTowerError('USAGE', `k is ${k}`, 'Ask for at least one item.');
  const dataset = options.dataset ?? (await loadRunData(run.config, { ...options, whole: true }));
  checkSameData(run.folder, run.record.dataHash, dataset);
  const { users, items, events } = dataset;
  const key = String(options.user);
  const row = key === '' ? 0 : Math.max(0, users.keys.indexOf(key));
  const notes: string[] = [];
  if (row === 0) notes.push(`user ${key} is not in the data: these are recommendations for an unknown user`);

  const shown = row === 0 ? [] : eventsOf(dataset, row);
  const last = shown.at(-1);
  const feeds = requestFeeds(dataset, {
    users: [row],
    // Histories end strictly before the time of the request.
    times: [events.count === 0 ? 0 : events.time[events.count - 1]! + 1],
    ...(last !== undefined && { contexts: [last] }),
  });
  const past = row === 0 ? [] : pastOf(dataset, row);
  const seen = new Set(includeSeen ? [] : [...shown.map((event) => events.item[event]!), ...past]);
  seen.delete(0);
  if (seen.size > 0 && items.count - 1 - seen.size < k) {
    notes.push(`the user has seen all but ${items.count - 1 - seen.size} of the ${items.count - 1} items`);
  }

  const state = await run.inference.users(feeds);
  // Row 0 stands for every unknown item.
  const best = new TopK(Math.min(k, Math.max(1, items.count - 1)), (item) => item !== 0 && !seen.has(item));
  for (let from = 0; from < items.count; from += BLOCK) {
    const rows = Int32Array.from({ length: Math.min(BLOCK, items.count - from) }, (_, i) => from + i);
    best.push(await run.inference.score(state, await run.inference.items(itemFeeds(dataset, rows))));
  }
  const ranked = best.result();
  return {
    user: { ...describe(users, row), key, known: row !== 0 },
    items: Array.from(ranked.items, (item, i) => ({
      rank: i + 1,
      ...describe(items, item),
      logit: ranked.scores[i]!,
      probability: 1 / (1 + Math.exp(-ranked.scores[i]!)),
    })),
    recent: past
      .slice(-RECENT)
      .reverse()
      .map((item) => describe(items, item)),
    seen: seen.size,
    notes,
  };
}

/** Event rows of what a user was shown, in time order. */
function eventsOf({ events, shown }: Dataset, user: number): number[] {
  const rows: number[] = [];
  for (let row = 0; row < events.count; row++) {
    if (events.user[row] === user && events.stage[row]! >= shown) rows.push(row);
  }
  return rows;
}

/** Item rows of a user's positives, oldest first: of the first history, or where there is none, of the label. */
function pastOf(dataset: Dataset, user: number): number[] {
  const { histories, events, label } = dataset;
  const history = histories[0];
  if (history !== undefined) {
    return [...history.item.subarray(history.offsets[user]!, history.offsets[user + 1]!)];
  }
  const labels = events.feedback.get(label)!;
  return eventsOf(dataset, user)
    .filter((row) => labels[row]! > 0)
    .map((row) => events.item[row]!);
}

function describe(table: Dataset['users'], row: number): Described {
  return {
    key: table.keys[row]!,
    display: Object.fromEntries([...table.display].map(([name, values]) => [name, values[row] ?? null])),
  };
}
