import type { BatchShare } from '../../data/batch-share.js';
import { namedSizes } from '../../graph/complete-feeds.js';
import { completeFeeds, evaluate, type FeedPlan } from '../../graph/index.js';
import { RANK_FEEDS, sharedIn, wholeName } from '../../graph/partition/index.js';
import { fillRandom } from '../../graph/random-feeds.js';
import type { Random } from '../../random.js';
import type { Feeds } from '../../schema.js';
import type { Touched } from '../table-rows.js';
import { LOCAL_FEEDS } from './local-feeds.js';

const NAMES = ['B', 'I', 'P'] as const;

/**
 * Completes the feeds of a rank's share, as `completeFeeds` those of a whole batch. Random numbers are drawn for the whole batch, of
 * which the rank keeps what falls on its rows, so that they are those of one process.
 */
export function completeShare(
  plan: FeedPlan,
  feeds: Feeds,
  { share, touched }: { share: BatchShare; touched: readonly Touched[] },
  random: Random,
): Feeds {
  const { inputs, plans, randoms } = plan;
  const complete: Feeds = { ...feeds };
  for (const name of NAMES) {
    const { total, own } = share[name];
    complete[RANK_FEEDS.size(name)] = { data: Float32Array.of(total), shape: [] };
    complete[RANK_FEEDS.own(name)] = { data: own.slice(), shape: [own.length] };
  }
  const { request, pairs } = LOCAL_FEEDS;
  numberWhole(complete, request, share.B.own);
  if (complete[pairs] !== undefined) numberWhole(complete, pairs, share.P.own);
  const whole = new Map([...namedSizes(inputs, feeds), ...NAMES.map((name) => [name, share[name].total] as const)]);
  for (const { name, shape, distribution } of randoms) {
    const dims = shape.map((dim) => evaluate(dim, whole));
    const data = fillRandom(
      distribution,
      dims.reduce((a, b) => a * b, 1),
      random,
    );
    const axis = shape.findIndex((dim) => sharedIn(dim) !== undefined);
    const rows = axis < 0 ? undefined : share[sharedIn(shape[axis]!) as 'B'];
    complete[name] = rows === undefined ? { data, shape: dims } : pick(data, dims, axis, rows);
  }
  const known = new Map<string, number>([
    ...NAMES.flatMap((name) => [
      [name, share[name].own.length] as const,
      [wholeName(name), share[name].total] as const,
    ]),
    ...touched.map(({ bundle, rows }) => [`U:${bundle}`, rows.length] as const),
  ]);
  // Indices that only the step makes are sorted when it has made them.
  const fed = plans.filter(({ indices }) => complete[indices] !== undefined);
  return completeFeeds({ inputs, plans: fed, randoms: [] }, complete, undefined, known);
}

/** Adds the feed of the same numbers as those of rows of the whole batch. */
function numberWhole(feeds: Feeds, name: string, own: Int32Array): void {
  const { data, shape } = feeds[name]!;
  feeds[RANK_FEEDS.whole(name)] = { data: (data as Int32Array).map((row) => own[row] ?? 0), shape };
}

/** Some rows of an axis, each of which may stand for several neighbours. */
function pick(
  data: Float32Array,
  dims: number[],
  axis: number,
  { own, total }: BatchShare['B'],
): { data: Float32Array; shape: number[] } {
  const each = (dims[axis]! / total) * dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = dims.slice(0, axis).reduce((a, b) => a * b, 1);
  const kept = new Float32Array(outer * own.length * each);
  let at = 0;
  for (let block = 0; block < outer; block++) {
    for (const row of own) {
      const from = (block * total + row) * each;
      kept.set(data.subarray(from, from + each), at);
      at += each;
    }
  }
  return { data: kept, shape: dims.with(axis, (dims[axis]! / total) * own.length) };
}
