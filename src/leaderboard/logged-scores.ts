import type { Dataset } from '../data/dataset.js';
import { scoreColumns } from '../evaluation/score-columns.js';
import { cutOffs, type Protocol } from './protocols.js';
import type { Reference } from './results.js';

/** Score columns that the log brings along, to stand beside the models; none where all items are ranked, of which they say nothing. */
export function loggedScores(protocol: Protocol, dataset: Dataset): Reference[] {
  if (cutOffs(protocol).length > 0) return [];
  return scoreColumns(dataset, dataset.splits.test).map(({ name, outcomes }) => ({
    name: `${name} (column of the log)`,
    outcomes,
  }));
}
