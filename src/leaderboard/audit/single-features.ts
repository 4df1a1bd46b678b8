import type { Dataset, EncodedColumn } from '../../data/dataset.js';
import { auc } from '../../evaluation/auc.js';
import { labelsOf } from '../../evaluation/evaluate.js';
import type { Finding } from './finding.js';

/** How well one feature alone foretells the label of the test part. */
export interface SingleFeature {
  /** `owner.name`, or `history.NAME` for whether the item is in the user's history. */
  feature: string;
  /** At least 0.5 for numbers, whose direction is free. */
  auc: number;
}

/** Exposures of the training part that a value without any is believed to have had at the mean rate. */
const PRIOR = 10;

/**
 * The AUC of every feature alone: ids by the rate their value had in training, lists of ids by the mean of these rates, numbers as
 * they are. The best first. Undefined where the test part has one label only.
 */
export function singleFeatures(dataset: Dataset): SingleFeature[] | undefined {
  const { schema, users, items, events, splits, histories } = dataset;
  const labels = labelsOf(dataset, splits.test);
  const found: SingleFeature[] = [];
  const sides = [
    { features: schema.user, table: users, rowOf: (event: number) => events.user[event]! },
    { features: schema.item, table: items, rowOf: (event: number) => events.item[event]! },
    { features: schema.context, table: events.context, rowOf: (event: number) => event },
  ];
  for (const { features, table, rowOf } of sides) {
    for (const { owner, name } of features) {
      const areas = scoresOf(dataset, table.columns.get(name)!, rowOf).map((scores) => auc(scores, labels));
      if (areas.some((area) => area === undefined)) return undefined;
      found.push({ feature: `${owner}.${name}`, auc: Math.max(...(areas as number[])) });
    }
  }
  for (const { name, offsets, item, time } of histories) {
    const contains = Float64Array.from(splits.test, (event) => {
      const user = events.user[event]!;
      for (let at = offsets[user]!; at < offsets[user + 1]! && time[at]! < events.time[event]!; at++) {
        if (item[at] === events.item[event]) return 1;
      }
      return 0;
    });
    found.push({ feature: `history.${name}`, auc: auc(contains, labels)! });
  }
  return found.sort((a, b) => b.auc - a.auc);
}

/** Scores of the test exposures; of a number one for each direction. */
function scoresOf(dataset: Dataset, column: EncodedColumn, rowOf: (event: number) => number): Float64Array[] {
  const { test } = dataset.splits;
  if (column.encoding === 'numbers') {
    const { values, width } = column;
    return Array.from({ length: width }, (_, k) => {
      const scores = Float64Array.from(test, (event) => values[rowOf(event) * width + k]!);
      return [scores, scores.map((value) => -value)];
    }).flat();
  }
  const idsOf = (event: number): Int32Array => {
    const row = rowOf(event);
    if (column.encoding === 'id') return column.rows.subarray(row, row + 1);
    const from = row * column.maxLength;
    return column.rows.subarray(from, from + column.lengths[row]!);
  };
  const rates = trainingRates(dataset, idsOf);
  const scores = Float64Array.from(test, (event) => {
    const ids = idsOf(event);
    return ids.length === 0 ? rates(-1) : ids.reduce((sum, id) => sum + rates(id), 0) / ids.length;
  });
  return [scores];
}

/** Rate of the label among the training exposures with an id, pulled towards the mean rate where there are few. */
function trainingRates(dataset: Dataset, idsOf: (event: number) => Int32Array): (id: number) => number {
  const { train } = dataset.splits;
  const labels = labelsOf(dataset, train);
  const mean = labels.reduce((sum, label) => sum + label, 0) / train.length;
  const seen = new Map<number, { count: number; positives: number }>();
  for (const [i, event] of train.entries()) {
    for (const id of idsOf(event)) {
      const entry = seen.get(id) ?? { count: 0, positives: 0 };
      entry.count++;
      entry.positives += labels[i]!;
      seen.set(id, entry);
    }
  }
  return (id) => {
    const { count, positives } = seen.get(id) ?? { count: 0, positives: 0 };
    return (positives + PRIOR * mean) / (count + PRIOR);
  };
}

/** A feature that knows too much. */
export function judgeSingleFeatures(found: readonly SingleFeature[] | undefined, threshold: number): Finding {
  const check = 'single features' as const;
  if (found === undefined) {
    return { check, level: 'ok', says: 'every test exposure has the same label: no feature can tell them apart' };
  }
  const text = ({ feature, auc: area }: SingleFeature) => `${feature} ${area.toFixed(4)}`;
  const bad = found.filter((one) => one.auc > threshold);
  if (bad.length > 0) {
    return {
      check,
      level: 'warning',
      says: `AUC of one feature alone on the test part above ${threshold}: ${bad.map(text).join(', ')}`,
      remedy:
        'Ask when and from what the feature is computed: a mean of labels, or a value written after the event, knows the answer.',
    };
  }
  const best = found.slice(0, 3).map(text).join(', ');
  return {
    check,
    level: 'ok',
    says: `no feature alone has an AUC above ${threshold} on the test part; the best: ${best}`,
  };
}
