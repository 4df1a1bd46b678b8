import type { Dataset } from '../../../data/dataset.js';
import { generateMovieLensShape } from '../../../data/generate-movielens.js';
import { Random } from '../../../random.js';

/** A generated log whose ratings are one to five, four and five where its users like an item. */
export function ratedLog(events: number, seed = 1): Dataset {
  const dataset = generateMovieLensShape({ events, seed });
  const random = Random.of(seed, 'ratings');
  const ratings = dataset.events.feedback
    .get('liked')!
    .map((liked) => (liked === 1 ? 4 + random.below(2) : 1 + random.below(3)));
  dataset.events.feedback.set('rating', ratings);
  return dataset;
}
