import { didYouMean, TwoTowerError } from '../errors.js';
import type { Dataset } from './dataset.js';
import type { SampleTable } from './samples.js';

/** Where the pairs of batches are taken from: columns of one table, a pair being a row. */
export interface PairColumns {
  /** The event that speaks for the pair's request; the row itself where rows are events. */
  event: Uint32Array | undefined;
  /** Row in the item table. */
  item: Int32Array;
  label: Float32Array;
  /** Ones where absent. */
  weight?: Float32Array;
  /** Index into `Dataset.stages`. */
  stage: Uint8Array;
  /** A teacher's logit, NaN where there is none. */
  teacher?: Float32Array | undefined;
}

/** Pairs that are events. @throws DATA_COLUMN */
export function columnsOfEvents(
  dataset: Dataset,
  options: { label?: string; weight?: string; teacher?: Float32Array },
): PairColumns {
  const { item, stage } = dataset.events;
  const label = feedbackColumn(dataset, options.label ?? dataset.label);
  const weight = options.weight === undefined ? {} : { weight: feedbackColumn(dataset, options.weight) };
  return { event: undefined, item, label, stage, teacher: options.teacher, ...weight };
}

/** Pairs that are rows of a sample table. */
export function columnsOfSamples({ event, item, label, stage, teacher }: SampleTable): PairColumns {
  return { event, item, label, stage, teacher };
}

/** A feedback column of the events. @throws DATA_COLUMN */
export function feedbackColumn(dataset: Dataset, name: string): Float32Array {
  return columnNamed(dataset.events.feedback, name, 'a feedback column');
}

/**
 * A column of scores that the log brings along (`scores` in the description): one logit per event, NaN where it has none.
 *
 * @throws DATA_COLUMN
 */
export function eventScores(dataset: Dataset, name: string): Float32Array {
  return columnNamed(
    dataset.events.scores ?? new Map(),
    name,
    'a score column: `scores` in the description names them',
  );
}

function columnNamed(columns: ReadonlyMap<string, Float32Array>, name: string, what: string): Float32Array {
  const column = columns.get(name);
  if (column === undefined) {
    throw new TwoTowerError('DATA_COLUMN', `"${name}" is not ${what}`, didYouMean(name, columns.keys()));
  }
  return column;
}
