import type { Random } from '../../random.js';
import type { Catalogue } from './catalogue.js';
import type { FunnelOptions } from './options.js';
import type { People } from './people.js';
import { bestFirst, dot, loggingRetrieval } from './retrieval.js';
import { FACETS, type Latents, summaryWeights, type TruthConstants, tasteAt, tasteLogit, WIDTH } from './truth.js';

/** How much of a user's error each model makes, and what it adds at random, in log-odds. */
const RETRIEVAL_ERROR = 0.8;
const PRERANKING = { error: 0.6, noise: 0.4 };
const RANKING = { error: 0.35, noise: 0.4 };

/** What the logging cascade did for one request: the items it found, the best of its last phase first. */
export interface Handled {
  count: number;
  items: Int32Array;
  /** How many of the first came through each phase. */
  preranked: number;
  ranked: number;
  shown: number;
  /** Logits of its ranker for the first `preranked`. */
  ranker: Float64Array;
  /** Log-odds of a click on the item at a place if it is looked at. */
  truth: (place: number) => number;
}

/** Answers requests as the cascade that made the log; what it returns is overwritten by the next request. */
export type Policy = (user: number, time: number) => Handled;

/**
 * The cascade that made the log. Retrieval draws from where it seems right (`retrieval.ts`); pre-ranking compares one vector of an item with the taste; ranking knows the formula. All three err about the user, and pre-ranking
 * and ranking besides about each item.
 *
 * @param random of everything it draws, then and later
 */
export function loggingPolicy(
  people: People,
  catalogue: Catalogue,
  constants: TruthConstants,
  { cascade }: Pick<FunnelOptions, 'cascade'>,
  random: Random,
): Policy {
  const latents: Latents = { users: people.latents, items: catalogue.latents };
  const { quality } = latents.items;
  const retrieve = loggingRetrieval(catalogue, constants.start, cascade.retrieve, random);
  const summaries = summaryVectors(latents.items, constants);
  const taste = new Float64Array(WIDTH);
  const seeming = new Float64Array(WIDTH);
  const size = cascade.retrieve;
  const handled: Handled = {
    count: 0,
    items: new Int32Array(size),
    preranked: 0,
    ranked: 0,
    shown: 0,
    ranker: new Float64Array(size),
    truth: () => Number.NaN,
  };
  const scores = new Float64Array(size);

  const misjudge = (user: number, error: number) => {
    for (let k = 0; k < WIDTH; k++) seeming[k] = taste[k]! + error * people.error[user * WIDTH + k]!;
  };
  return (user, time) => {
    tasteAt(latents, constants, user, time, taste);
    misjudge(user, RETRIEVAL_ERROR);
    const found = retrieve(seeming, time);
    const count = found.length;
    misjudge(user, PRERANKING.error);
    for (let at = 0; at < count; at++) {
      const item = found[at]!;
      scores[at] =
        constants.strength * dot(seeming, summaries, item) + quality[item]! + PRERANKING.noise * random.normal();
    }
    const order = bestFirst(count, scores).map((at) => found[at]!);
    handled.preranked = Math.min(cascade.prerank, count);
    misjudge(user, RANKING.error);
    const mood = latents.users.mood[user]!;
    for (let at = 0; at < handled.preranked; at++) {
      const logit = tasteLogit(latents, constants, seeming, order[at]!, time);
      scores[at] = mood + logit + RANKING.noise * random.normal();
    }
    const ranked = bestFirst(handled.preranked, scores);
    handled.count = count;
    handled.items.set(order);
    ranked.forEach((at, place) => {
      handled.items[place] = order[at]!;
      handled.ranker[place] = scores[at]!;
    });
    handled.ranked = Math.min(cascade.rank, handled.preranked);
    handled.shown = Math.min(cascade.shown, handled.ranked);
    handled.truth = (place) => mood + tasteLogit(latents, constants, taste, handled.items[place]!, time);
    return handled;
  };
}

/** One vector per item whose inner product with a taste is as near to the truth as one of this width can be on average. */
function summaryVectors(items: Latents['items'], constants: TruthConstants): Float32Array {
  const weights = summaryWeights(constants);
  return items.vector.map((value, at) => {
    const item = Math.floor(at / WIDTH);
    let sum = 0;
    for (let j = 0; j < FACETS; j++) sum += items.facets[(item * FACETS + j) * WIDTH + (at % WIDTH)]!;
    return weights.vector * value + weights.facets * sum;
  });
}
