import type { Dataset } from '../data/dataset.js';
import type { Truth } from '../data/funnel/truth-files.js';
import { collect, pass, type Sizes } from './collect.js';
import type { Cascade } from './open.js';
import { type CascadeRequests, drawRequests } from './requests.js';
import { type RequestTruth, type TrueFunnel, trueFunnel } from './true-funnel.js';

/**
 * What a cascade loses in requests of a generated log, where the truth of every item is known. Drawn anew from all requests:
 * those with a click are not like the others.
 *
 * @param requests those that no run has seen, clicked or not
 */
export async function measureTruth(
  cascade: Cascade,
  truth: Truth,
  requests: CascadeRequests,
  sizes: Sizes,
  onProgress: (done: number) => void,
): Promise<TrueFunnel> {
  const { config, dataset, phases } = cascade;
  const { event, shown } = drawRequests(requests, config.evaluation.requests, config.evaluation.seed);
  const collected = await collect(cascade, event, sizes.retrieve, onProgress);
  const passage = await pass(cascade, collected, sizes, { oracle: false });
  const present = { prerank: phases.prerank !== undefined, rank: phases.rank !== undefined };
  return trueFunnel(passage, shown, truthIn(dataset, truth, event), present, config.evaluation.ks);
}

/** The truth of a log in its own rows. */
function truthIn({ users, items, events }: Dataset, truth: Truth, event: Uint32Array): RequestTruth {
  const indexOf = items.keys.map((key, row) => (row === 0 ? 0 : truth.indexOf(key)));
  const byIndex = new Float64Array(truth.items);
  const byRow = new Float32Array(items.count);
  return {
    examination: truth.examination,
    probabilities(q) {
      const at = event[q]!;
      truth.corpus(users.keys[events.user[at]!]!, events.time[at]!, byIndex);
      for (let row = 1; row < items.count; row++) byRow[row] = byIndex[indexOf[row]!]!;
      return byRow;
    },
  };
}
