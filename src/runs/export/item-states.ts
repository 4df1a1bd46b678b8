import { itemFeeds } from '../../data/batches.js';
import type { Dataset } from '../../data/dataset.js';
import { TwoTowerError } from '../../errors.js';
import type { HostState } from '../../training/inference.js';
import { checkSameData, loadRunData, type RunDataOptions } from '../data.js';
import type { Run } from '../open.js';

/** Items that go through the item part at once. */
const BLOCK = 4096;

/** Some items in the order of the item table: their keys, and the state of each, first axis the items. */
export interface ItemBlock {
  keys: string[];
  states: HostState;
}

/** Loads the data of a run that is to be exported. @throws RUN_INVALID where it is not what the run was trained on, DATA_… */
export async function loadItems(run: Run, options: RunDataOptions): Promise<Dataset> {
  const dataset = await loadRunData(run.config, options);
  checkSameData(run.folder, run.record.dataHash, dataset);
  return dataset;
}

/** Runs of one log know the same items in the same rows, wherever each cut it. @throws RUN_INVALID for another log */
export function checkSameItems(run: Run, own: Dataset, first: Dataset): void {
  if (own.logHash === first.logHash) return;
  throw new TwoTowerError(
    'RUN_INVALID',
    `${run.folder} was trained on ${own.name}, another log than ${first.name} of the first run`,
    'Export runs of one dataset; only the split may differ.',
  );
}

/** The states of all items but the unknown one, block by block. */
export async function* itemStates({ inference }: Run, dataset: Dataset): AsyncGenerator<ItemBlock> {
  const { count, keys } = dataset.items;
  for (let from = 1; from < count; from += BLOCK) {
    const rows = Int32Array.from({ length: Math.min(BLOCK, count - from) }, (_, i) => from + i);
    yield { keys: keys.slice(from, from + rows.length), states: await inference.items(itemFeeds(dataset, rows)) };
  }
}
