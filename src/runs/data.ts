import { join } from 'node:path';
import { bundledDatasets } from '../data/bundled.js';
import type { Dataset } from '../data/dataset.js';
import { type LoadProgress, loadDataset } from '../data/load.js';
import { didYouMean, TwoTowerError } from '../errors.js';
import { packagePath } from '../package-root.js';
import type { RunConfig } from './config.js';

export interface RunDataOptions {
  /** Folder of the data files, instead of the one the configuration or the description names. */
  root?: string | undefined;
  onProgress?: (progress: LoadProgress) => void;
}

/** Loads the dataset a configuration names, with its label. */
export async function loadRunData(config: RunConfig, options: RunDataOptions = {}): Promise<Dataset> {
  const { dataset, maxBadRows } = config.data;
  const root = options.root ?? config.data.root;
  const loaded = await loadDataset(datasetSource(dataset), {
    maxBadRows,
    ...(root !== undefined && { root }),
    ...(options.onProgress && { onProgress: options.onProgress }),
  });
  return withLabel(loaded, config.label);
}

/** The file of a bundled name, whatever lies in the working folder under that name; else the path itself. */
export function datasetSource(dataset: string): string {
  return bundledDatasets().includes(dataset) ? packagePath('datasets', `${dataset}.yaml`) : dataset;
}

/** The dataset with another label, where the configuration names one. */
export function withLabel(dataset: Dataset, label: string | undefined): Dataset {
  if (label === undefined) return dataset;
  if (!dataset.events.feedback.has(label)) {
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `label: ${dataset.name} has no feedback column "${label}"`,
      didYouMean(label, dataset.events.feedback.keys()),
    );
  }
  return { ...dataset, label };
}

/**
 * Refuses data other than what a run was trained on: vocabularies follow from the data, so that rows of the embedding tables
 * would stand for other values.
 */
export function checkSameData(folder: string, trainedOn: string, dataset: Dataset): void {
  if (dataset.hash === trainedOn) return;
  throw new TwoTowerError(
    'RUN_INVALID',
    `${join(folder, 'run.json')}: the run was trained on data ${short(trainedOn)}, ${dataset.name} is now ${short(dataset.hash)}`,
    'Restore the files and the description it was trained on, or name their folder with --data.',
  );
}

function short(hash: string): string {
  return hash.slice(0, 12);
}
