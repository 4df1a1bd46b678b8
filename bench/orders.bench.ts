import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TwoTowerError } from '../src/errors.js';
import { sha256 } from '../src/files.js';
import { Random } from '../src/random.js';
import { environment } from '../src/runs/environment.js';
import { option } from './protocol.js';
import { writeResults } from './results.js';

export const name = 'orders';
export const description =
  'what counting transitions reaches on MovieLens-1M, by the order in which ratings are taken: orders --data FOLDER';

/** Moments before this one of a user are not asked about, as in T2Diff's released code. */
const FIRST = 50;
const K = 20;
const SEED = 1;

interface Rating {
  item: number;
  time: number;
}

type Order = (ratings: readonly Rating[], user: number) => readonly Rating[];

const byTime: Order = (ratings) => [...ratings].sort((a, b) => a.time - b.time);

const ORDERS: Record<string, { order: Order; strict: boolean }> = {
  'as they stand in the file': { order: (ratings) => ratings, strict: false },
  'by time, ties as in the file': { order: byTime, strict: false },
  'by time, ties shuffled': { order: (ratings, user) => byTime(shuffled(ratings, user), user), strict: false },
  'by time, the last film strictly before the second': { order: byTime, strict: true },
};

function shuffled(ratings: readonly Rating[], user: number): Rating[] {
  const order = Random.of(SEED, 'ties', user).shuffle(Uint32Array.from(ratings.keys()));
  return Array.from(order, (at) => ratings[at]!);
}

/** The film a moment is told of: the one before it, or with `strict` the newest of an earlier second; undefined at the beginning. */
function lastBefore(ratings: readonly Rating[], at: number, strict: boolean): number | undefined {
  let last = at - 1;
  if (strict) while (last >= 0 && ratings[last]!.time >= ratings[at]!.time) last--;
  return ratings[last]?.item;
}

/** Counts what followed each film with four users of five, and asks at every later moment of the fifth. */
function recallOfCounts(users: readonly (readonly Rating[])[], held: Uint8Array, strict: boolean) {
  const popularity = new Map<number, number>();
  const following = new Map<number, Map<number, number>>();
  const each = (wanted: number, from: number, visit: (last: number, next: number) => void) => {
    for (const [user, ratings] of users.entries()) {
      if (held[user] !== wanted) continue;
      for (let at = from; at < ratings.length; at++) {
        const last = lastBefore(ratings, at, strict);
        if (last !== undefined) visit(last, ratings[at]!.item);
      }
    }
  };
  each(0, 1, (last, next) => {
    popularity.set(next, (popularity.get(next) ?? 0) + 1);
    const counts = following.get(last) ?? new Map<number, number>();
    following.set(last, counts.set(next, (counts.get(next) ?? 0) + 1));
  });
  const popular = best(popularity.entries());
  const lists = new Map<number, Set<number>>();
  const listOf = (last: number): Set<number> => {
    const known = lists.get(last);
    if (known !== undefined) return known;
    const counted = best(following.get(last)?.entries() ?? [], popularity);
    const list = new Set([...counted, ...popular.filter((item) => !counted.includes(item))].slice(0, K));
    lists.set(last, list);
    return list;
  };
  let moments = 0;
  let hits = 0;
  each(1, FIRST, (last, next) => {
    moments++;
    if (listOf(last).has(next)) hits++;
  });
  return { moments, recall: hits / moments };
}

/** The K with the largest counts; equal ones by `ties`, then by number. */
function best(counts: Iterable<[number, number]>, ties?: ReadonlyMap<number, number>): number[] {
  const tie = (item: number) => ties?.get(item) ?? 0;
  return [...counts]
    .sort(([a, n], [b, m]) => m - n || tie(b) - tie(a) || a - b)
    .slice(0, K)
    .map(([item]) => item);
}

async function readUsers(file: string): Promise<Rating[][]> {
  const users = new Map<string, Rating[]>();
  const text = await readFile(file, 'latin1').catch(() => {
    throw new TwoTowerError(
      'USAGE',
      `${file} cannot be read`,
      'Give the folder of the original MovieLens-1M with --data.',
    );
  });
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [user, item, , time] = line.split('::');
    const own = users.get(user!) ?? [];
    users.set(user!, own);
    own.push({ item: Number(item), time: Number(time) });
  }
  return [...users.values()];
}

export async function run(args: readonly string[]): Promise<void> {
  const file = join(option(args, '--data', '.'), 'ratings.dat');
  const users = await readUsers(file);
  const random = Random.of(SEED, 'orders', 'users');
  const held = Uint8Array.from(users, () => (random.uniform() < 0.2 ? 1 : 0));
  const ratings = users.flatMap((own, user) =>
    byTime(own, user).map((one, at, all) => at > 0 && one.time === all[at - 1]!.time),
  );
  const sharedSecond = ratings.filter(Boolean).length / ratings.length;
  console.log(`ratings in the same second as the one before: ${(100 * sharedSecond).toFixed(1)} %`);
  const results = Object.entries(ORDERS).map(([title, { order, strict }]) => {
    const found = recallOfCounts(users.map(order), held, strict);
    console.log(`${title.padEnd(50)} recall@20 ${found.recall.toFixed(4)}  (${found.moments} moments)`);
    return { title, ...found };
  });
  await writeResults('orders', {
    dataset: 'movielens-1m',
    ratingsSha256: await sha256(file),
    seed: SEED,
    sharedSecond,
    results,
    environment: environment(),
  });
}
