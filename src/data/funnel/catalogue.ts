import { Random } from '../../random.js';
import type { FunnelOptions } from './options.js';
import { FACETS, type Latents, WIDTH } from './truth.js';

export const CATEGORIES = 24;
const TAGS = 48;
/** Share of the variance of an item's vector that its category has in common. */
const COMMON = 0.6;
/** How far a facet lies from the direction of its tag. */
const TAG_NOISE = 0.4;
/** Items that do not appear within the log are up to so many days older than it. */
const OLDEST = 60;
const ITEMS_OF_AN_AUTHOR = 8;

/** What is written about items, and what is true of them. */
export interface Catalogue {
  latents: Latents['items'];
  /**
   * As the table of items says: the category tells of vector and best hour, the tags of the facets, the author and less so the
   * duration of quality. [items], tags [items · FACETS], all different
   */
  fields: { category: Uint8Array; author: Int32Array; tags: Uint8Array; duration: Int32Array };
  /** Where the vectors of a category lie, [CATEGORIES · WIDTH] */
  centres: Float64Array;
}

type Options = Pick<FunnelOptions, 'items' | 'days' | 'newItems' | 'seed'>;

/** Draws the items. */
export function drawCatalogue({ items: count, days, newItems, seed }: Options): Catalogue {
  const random = Random.of(seed, 'funnel', 'items');
  const normals = (length: number) => Float64Array.from({ length }, () => random.normal());
  const centres = normals(CATEGORIES * WIDTH);
  const hours = Float64Array.from({ length: CATEGORIES }, () => 24 * random.uniform());
  const directions = unit(normals(TAGS * WIDTH));
  const authors = Math.ceil(count / ITEMS_OF_AN_AUTHOR);
  const authorQuality = normals(authors);
  const latents: Latents['items'] = {
    count,
    quality: new Float32Array(count),
    release: new Float32Array(count),
    hour: new Float32Array(count),
    vector: new Float32Array(count * WIDTH),
    facets: new Float32Array(count * FACETS * WIDTH),
  };
  const fields = {
    category: new Uint8Array(count),
    author: new Int32Array(count),
    tags: new Uint8Array(count * FACETS),
    duration: new Int32Array(count),
  };
  const facet = new Float64Array(WIDTH);
  for (let item = 0; item < count; item++) {
    const category = random.below(CATEGORIES);
    const author = random.below(authors);
    const isNew = random.uniform() < newItems;
    const quality = 0.4 * authorQuality[author]! + 0.5 * random.normal();
    latents.quality[item] = quality;
    latents.release[item] = isNew ? days * random.uniform() : -OLDEST * random.uniform();
    latents.hour[item] = hours[category]!;
    fields.category[item] = category;
    fields.author[item] = author;
    fields.duration[item] = Math.round(30 * Math.exp(0.5 * quality + 0.5 * random.normal()));
    for (let k = 0; k < WIDTH; k++) {
      const centre = centres[category * WIDTH + k]!;
      latents.vector[item * WIDTH + k] = Math.sqrt(COMMON) * centre + Math.sqrt(1 - COMMON) * random.normal();
    }
    for (let j = 0; j < FACETS; j++) {
      const own = fields.tags.subarray(item * FACETS, item * FACETS + j);
      let tag = random.below(TAGS);
      while (own.includes(tag)) tag = random.below(TAGS);
      fields.tags[item * FACETS + j] = tag;
      for (let k = 0; k < WIDTH; k++) {
        facet[k] = directions[tag * WIDTH + k]! + (TAG_NOISE / Math.sqrt(WIDTH)) * random.normal();
      }
      latents.facets.set(unit(facet), (item * FACETS + j) * WIDTH);
    }
  }
  return { latents, fields, centres };
}

/** Every WIDTH values to length 1, in place. */
function unit(values: Float64Array): Float64Array {
  for (let at = 0; at < values.length; at += WIDTH) {
    const one = values.subarray(at, at + WIDTH);
    const length = Math.hypot(...one);
    one.forEach((value, k) => {
      one[k] = value / length;
    });
  }
  return values;
}
