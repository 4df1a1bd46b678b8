import { join } from 'node:path';
import type { Dataset } from '../data/dataset.js';
import { datasetFiles } from '../data/dataset-files.js';
import type { DatasetFiles } from '../data/files-of-table.js';
import { type LoadOptions, type LoadProgress, loadDataset } from '../data/load.js';
import { settledConfig } from '../data/settled-config.js';
import { loadStreamed } from '../data/stream/load.js';
import { objectsBeside } from '../data/stream/options.js';
import { didYouMean, TwoTowerError } from '../errors.js';
import type { RunConfig } from './config.js';

export interface RunDataOptions {
  /** Folder of the data files, instead of the one the configuration or the description names. */
  root?: string | undefined;
  onProgress?: (progress: LoadProgress) => void;
  /** Hold every event, also where the configuration streams the log. */
  whole?: boolean;
}

/**
 * Loads the dataset a configuration names, with its label. With `data.stream` its events are those of one window, and `stream` of
 * the dataset tells of the others.
 */
export async function loadRunData(
  config: Pick<RunConfig, 'data' | 'label'>,
  options: RunDataOptions = {},
): Promise<Dataset> {
  const { dataset, stream } = config.data;
  const how = howToLoad(config, options);
  const streamed = stream !== undefined && options.whole !== true;
  const loaded = streamed ? await loadStreamed(dataset, stream, how) : await loadDataset(dataset, how);
  return withLabel(loaded, config.label);
}

/** Fetches what {@link loadRunData} will read from the network, and nothing else. */
export async function fetchRunData(
  config: Pick<RunConfig, 'data'>,
  options: RunDataOptions = {},
): Promise<DatasetFiles> {
  const how = howToLoad(config, options);
  return datasetFiles(await settledConfig(config.data.dataset, how), how);
}

function howToLoad({ data }: Pick<RunConfig, 'data'>, options: RunDataOptions): LoadOptions {
  const { maxBadRows, split, stream } = data;
  const root = options.root ?? data.root;
  return {
    maxBadRows,
    ...(root !== undefined && { root }),
    ...(split !== undefined && { split }),
    ...(options.onProgress && { onProgress: options.onProgress }),
    ...objectsBeside(stream),
  };
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

/** Time of the last event of the training and validation parts, in seconds since 1970: a run knows nothing later. */
export function seenUntil({ events, splits, stream }: Dataset): number {
  if (stream !== undefined) return stream.seenUntil;
  // Not the last row: a description may cut by another column than the time.
  let latest = Number.NEGATIVE_INFINITY;
  for (const rows of [splits.train, splits.validation]) {
    for (const row of rows) latest = Math.max(latest, events.time[row]!);
  }
  return latest;
}

/** Losses and metrics are those of what happened or did not. @throws DATA_VALUE at the first other label */
export function checkLabel({ name, label, events, stream }: Dataset): void {
  const refuse = (says: string) => {
    throw new TwoTowerError(
      'DATA_VALUE',
      `${name}: the label "${label}" is ${says}, where 0 or 1 is needed`,
      `Describe a feedback such as { name: liked, column: ${label}, atLeast: 4 }, and make it the label.`,
    );
  };
  const values = events.feedback.get(label);
  const at = values?.findIndex((value) => value !== 0 && value !== 1) ?? -1;
  if (at >= 0) refuse(`${values![at]} in event ${at + 1} in time order`);
  if (stream?.binary.includes(label) === false) refuse('another number in some event');
}

/** What a report should say of figures that rest on one window of the log; undefined where all of it is held. */
export function partlyMeasured({ stream, splits }: Dataset): string | undefined {
  if (stream === undefined || stream.windows.length === 1) return undefined;
  const { windows } = stream;
  const of = (part: 'validation' | 'test') => {
    const all = windows.reduce((sum, window) => sum + window[part], 0);
    return `${splits[part].length.toLocaleString('en')} of ${all.toLocaleString('en')} events of ${part}`;
  };
  return `data.stream: what is measured rests on the users of one of ${windows.length} windows: ${of('validation')}, ${of('test')}`;
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
