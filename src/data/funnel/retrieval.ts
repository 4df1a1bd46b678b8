import type { Random } from '../../random.js';
import { type ItemSampler, popularitySampler } from '../sampling.js';
import { CATEGORIES, type Catalogue } from './catalogue.js';
import { DAY } from './options.js';
import { WIDTH } from './truth.js';

/** Shares of what retrieval finds: in the categories a user seems to like, among what is popular; the rest is drawn evenly. */
const BY_CATEGORY = 0.6;
const POPULAR = 0.25;
const CATEGORIES_TAKEN = 4;
/** What it adds at random to its liking of a category. */
const NOISE = 0.5;
/** Tries to find an item that is there and was not found yet. */
const TRIES = 4;

/**
 * Retrieval of the cascade that made the log: different items that are there, from the categories that seem liked, from what seems
 * popular, and from everything. What one request costs does not depend on the number of items.
 *
 * @param start seconds since 1970 of the begin of the log
 * @param size items wanted for a request; fewer are found where hardly more are there
 * @returns finds items for a taste at a time; the array is overwritten by the next request
 */
export function loggingRetrieval(
  catalogue: Catalogue,
  start: number,
  size: number,
  random: Random,
): (taste: Float64Array, time: number) => Int32Array {
  const { release, count: items } = catalogue.latents;
  const { categories, popular } = channels(catalogue, random);
  const found = new Int32Array(size);
  const foundBy = new Float64Array(items).fill(-1);
  const liking = new Float64Array(CATEGORIES);
  let request = 0;
  return (taste, time) => {
    request++;
    const day = (time - start) / DAY;
    let count = 0;
    const look = (wanted: number, draw: () => number) => {
      for (let tries = TRIES * wanted; wanted > 0 && tries > 0; tries--) {
        const item = draw();
        if (foundBy[item] === request || release[item]! > day) continue;
        foundBy[item] = request;
        found[count++] = item;
        wanted--;
      }
    };
    categories.forEach(({ category }, at) => {
      liking[at] = dot(taste, catalogue.centres, category) + NOISE * random.normal();
    });
    const liked = bestFirst(categories.length, liking).subarray(0, CATEGORIES_TAKEN);
    for (const at of liked) {
      const { members, sampler } = categories[at]!;
      look(Math.floor((BY_CATEGORY * size) / liked.length), () => members[sampler.draw(random) - 1]!);
    }
    look(Math.floor(POPULAR * size), () => popular.draw(random) - 1);
    look(size - count, () => random.below(items));
    return found.subarray(0, count);
  };
}

/** Where retrieval looks. */
function channels({ latents, fields }: Catalogue, random: Random) {
  // What the logging cascade takes for popular is near quality, and is not quality.
  const weights = Float64Array.from(latents.quality, (quality) => Math.exp(quality + 0.5 * random.normal()));
  const categories: { category: number; members: Int32Array; sampler: ItemSampler }[] = [];
  for (let category = 0; category < CATEGORIES; category++) {
    const members = Int32Array.from(fields.category.keys()).filter((item) => fields.category[item] === category);
    if (members.length === 0) continue;
    categories.push({ category, members, sampler: sampler(Float64Array.from(members, (item) => weights[item]!)) });
  }
  return { categories, popular: sampler(weights) };
}

/** Draws positions counted from 1, as item rows are. */
function sampler(weights: Float64Array): ItemSampler {
  const rows = new Float64Array(weights.length + 1);
  rows.set(weights, 1);
  return popularitySampler(rows);
}

/** Inner product of a taste and one row of some vectors. */
export function dot(taste: Float64Array, vectors: Float32Array | Float64Array, row: number): number {
  let sum = 0;
  for (let k = 0; k < WIDTH; k++) sum += taste[k]! * vectors[row * WIDTH + k]!;
  return sum;
}

/** Positions of the first scores, the best first. */
export function bestFirst(count: number, scores: Float64Array): Int32Array {
  return Int32Array.from({ length: count }, (_, at) => at).sort((a, b) => scores[b]! - scores[a]! || a - b);
}
