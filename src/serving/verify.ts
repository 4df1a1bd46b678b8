import type { RawRecord } from '../data/featurizer.js';
import { TwoTowerError } from '../errors.js';
import type { Run } from '../runs/open.js';
import { predict } from '../runs/predict.js';
import { clocksOf, clockValues } from './engine/encoding.js';
import { startEngine } from './engine/engine.js';
import { loadVersion } from './engine/version.js';
import type { Manifest } from './manifest.js';

const USERS = 8;
const ITEMS = 64;
/** The largest difference of a score, relative to the scores where those are above 1. */
const TOLERANCE = 1e-5;

/**
 * Serves a version and compares the scores of some users and items, the unknown ones included, with those of its runs: what
 * stands in the files is what was trained.
 *
 * @throws SERVING_VERIFY naming phase, user and item of the largest difference
 */
export async function verifyScores(
  folder: string,
  manifest: Manifest,
  runs: readonly Run[],
): Promise<{ pairs: number; largestDifference: number }> {
  const version = await loadVersion(folder);
  const { items, users } = version;
  const engine = await startEngine(version, { workers: 0, budgets: false });
  try {
    const itemRows = spread(items.rows, ITEMS);
    const userRows = spread(users.rows, USERS);
    const time = Date.now() / 1e3;
    const rawItems = itemRows.map((row) => items.values(row));
    const clocks = runs.flatMap(({ encoders }) => clocksOf(encoders));
    const rawUsers: RawRecord[] = userRows.map((row) => {
      const known = row === 0 ? undefined : engine.user(users.keyOf(row));
      const histories = Object.entries(known?.histories ?? {}).map(([name, events]) => [
        name,
        events.map((event) => ({ item: items.values(items.rowOf(event.item)), time: event.time })),
      ]);
      return { ...users.values(row), histories: Object.fromEntries(histories), time, ...clockValues(clocks, time) };
    });
    let pairs = 0;
    let worst = { difference: 0, message: '' };
    for (const [i, { phase }] of manifest.phases.entries()) {
      const logits = await scoresOf(runs[i]!, rawUsers, rawItems, time);
      for (const [u, row] of userRows.entries()) {
        const candidates = itemRows.map((item) => items.keyOf(item));
        // A key of its own would make the unknown user known where the vocabulary has it.
        const asker = row === 0 ? {} : { user: users.keyOf(row) };
        const { order, scores } = await engine.rank({ ...asker, time, phase, candidates });
        order.forEach((at, place) => {
          const wanted = logits[u * itemRows.length + at]!;
          const difference = Math.abs(scores[place]! - wanted) / Math.max(1, Math.abs(wanted));
          pairs++;
          if (difference <= worst.difference) return;
          const message = `${phase}: user "${users.keyOf(row)}", item "${candidates[at]}" scores ${scores[place]}, its run says ${wanted}`;
          worst = { difference, message };
        });
      }
    }
    if (!(worst.difference <= TOLERANCE)) {
      throw new TwoTowerError(
        'SERVING_VERIFY',
        worst.message,
        'This is a fault of twotower: please report it with the run folder.',
      );
    }
    return { pairs, largestDifference: worst.difference };
  } finally {
    await engine.close();
  }
}

/** What the run says of every user with every item; where its model re-ranks, of all items as one list. */
async function scoresOf(
  run: Run,
  users: readonly RawRecord[],
  items: readonly RawRecord[],
  time: number,
): Promise<Float32Array> {
  const { logits } = await predict(run, { users, items });
  const { inference } = run;
  if (inference.parts.rerank === undefined) return logits;
  const featurizer = run.featurizer();
  const userState = await inference.users(
    featurizer.encodeUsers({
      users,
      contexts: users,
      times: users.map(() => time),
      histories: users.map(({ histories }) => histories),
    }),
  );
  const itemState = await inference.items(featurizer.encodeItems(items));
  const list = Int32Array.from(logits, (_, place) => place % items.length);
  return inference.rerank(userState, itemState, { items: list, scores: logits });
}

/** Up to `most` rows from 0 on, evenly spread. */
export function spread(rows: number, most: number): number[] {
  const count = Math.min(rows, most);
  return Array.from({ length: count }, (_, i) => Math.floor((i * rows) / count));
}
