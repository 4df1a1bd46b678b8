import { TwoTowerError } from '../errors.js';
import type { Random } from '../random.js';

/** Draws item rows as negatives, independently and with replacement. Row 0, the unknown item, is never drawn. */
export interface ItemSampler {
  draw(random: Random): number;
  /** log of the probability that one draw gives this item; -Infinity for items that are never drawn. */
  logProbability(item: number): number;
}

/** How often each item row occurs in the given rows of a column of items. */
export function countItems(eventItems: Int32Array, rows: Iterable<number>, itemCount: number): Uint32Array {
  const counts = new Uint32Array(itemCount);
  for (const row of rows) counts[eventItems[row]!]! += 1;
  return counts;
}

/** Every known item with the same probability. @param itemCount rows of the item table, the unknown row included. */
export function uniformSampler(itemCount: number): ItemSampler {
  requireItems(itemCount - 1);
  const logProbability = -Math.log(itemCount - 1);
  return {
    draw: (random) => 1 + random.below(itemCount - 1),
    logProbability: (item) => (item > 0 && item < itemCount ? logProbability : -Infinity),
  };
}

/**
 * Items in proportion to `count ** alpha`: 1 is popularity, 0.75 word2vec's choice, 0 uniform over the items that occur.
 * One draw costs two random numbers whatever the number of items (Vose's alias method, 1991).
 *
 * @param counts events per item row, as `countItems` gives them; the unknown row 0 is left out.
 */
export function popularitySampler(counts: ArrayLike<number>, alpha = 1): ItemSampler {
  const weights = Float64Array.from(counts, (count, item) => (item > 0 && count > 0 ? count ** alpha : 0));
  const total = weights.reduce((a, b) => a + b, 0);
  requireItems(total);
  const { keep, alias } = aliasTable(weights, total);
  const logTotal = Math.log(total);
  return {
    draw(random) {
      const column = random.below(weights.length);
      return random.uniform() < keep[column]! ? column : alias[column]!;
    },
    logProbability: (item) => Math.log(weights[item] ?? 0) - logTotal,
  };
}

function requireItems(amount: number): void {
  if (!(amount > 0 && Number.isFinite(amount))) {
    throw new TwoTowerError('DATA_SPLIT', 'there is no item to sample negatives from', 'check the training split');
  }
}

/** Vose's two arrays: column i is kept with probability `keep[i]`, otherwise `alias[i]` is taken. */
function aliasTable(weights: Float64Array, total: number): { keep: Float64Array; alias: Uint32Array } {
  const n = weights.length;
  const keep = new Float64Array(n).fill(1);
  const alias = Uint32Array.from(weights, (_, i) => i);
  const share = weights.map((weight) => (weight / total) * n);
  const small: number[] = [];
  const large: number[] = [];
  share.forEach((value, i) => {
    (value < 1 ? small : large).push(i);
  });
  while (small.length > 0 && large.length > 0) {
    const low = small.pop()!;
    const high = large[large.length - 1]!;
    keep[low] = share[low]!;
    alias[low] = high;
    share[high] = share[high]! - (1 - share[low]!);
    if (share[high]! < 1) {
      large.pop();
      small.push(high);
    }
  }
  // Rounding may leave a few columns over. They are full, but for those of weight zero, which may never be drawn.
  const heaviest = weights.indexOf(weights.reduce((a, b) => Math.max(a, b), 0));
  for (const i of small) {
    if (weights[i] === 0) {
      keep[i] = 0;
      alias[i] = heaviest;
    }
  }
  return { keep, alias };
}

export interface AppearanceOptions {
  /** Training events per item row; or, of what else batches are drawn from, how many hold the item (each at most once). */
  counts: Uint32Array;
  /** Pairs of the batch, drawn from those events without replacement; or lists, where batches are drawn from lists. */
  pairs: number;
  /** How many there are to draw from; the events that were counted unless given. */
  of?: number;
  /** Draws added to the batch, and what they are drawn with. */
  negatives?: { sampler: ItemSampler; perBatch: number };
  /** One row per pair and draw, instead of each distinct item once. */
  repeated?: boolean;
}

/**
 * `item.logq`: the log of the expected number of rows an item has in the item table of a batch, which is where in-batch and
 * sampled negatives are taken from. With distinct items it is the log probability that the item is there at all.
 *
 * Weighting every row of the table by `exp(-logq)` makes the sum over the table an unbiased estimate of the sum over the whole
 * catalogue (Horvitz and Thompson, 1952); subtracting it from the logits is the correction of Bengio and Senécal (2008) and,
 * in-batch, of Yi et al. (RecSys 2019). Items without training events count as if they had one.
 */
export function appearanceLogQ(options: AppearanceOptions): (item: number) => number {
  const { counts, pairs, negatives, repeated } = options;
  const total = options.of ?? counts.reduce((a, b) => a + b, 0);
  const share = Math.min(1, pairs / Math.max(1, total));
  const logAbsent = Math.log1p(-share);
  const draws = negatives?.perBatch ?? 0;
  const drawn = (item: number) => (negatives === undefined ? 0 : Math.exp(negatives.sampler.logProbability(item)));
  const count = (item: number) => Math.max(1, counts[item] ?? 0);
  if (repeated) return (item) => Math.log(share * count(item) + draws * drawn(item));
  return (item) => {
    // 0 * -Infinity is NaN: one item that takes every draw is only counted when there are draws.
    const logNotDrawn = draws === 0 ? 0 : draws * Math.log1p(-drawn(item));
    return Math.log(-Math.expm1(count(item) * logAbsent + logNotDrawn));
  };
}
