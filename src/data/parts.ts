import type { SplitName } from './dataset.js';

/** Where the parts are cut: training is below `trainUntil`, validation below `validationUntil`, test below `testUntil` or the rest. */
export interface Cut {
  /** `seconds`, or `cut` where the description cuts by something else. */
  column: 'seconds' | 'cut';
  trainUntil: number;
  validationUntil: number;
  testUntil?: number;
}

/** The part an event belongs to. @param key what is cut: the time, or the column `cut` */
export function partOf({ trainUntil, validationUntil, testUntil }: Cut, key: number): SplitName | undefined {
  if (key < trainUntil) return 'train';
  if (key < validationUntil) return 'validation';
  return testUntil === undefined || key < testUntil ? 'test' : undefined;
}

/** The event rows of each part. @param keys what is cut, in the order of the events */
export function partRows(cut: Cut, keys: Float64Array): Record<SplitName, Uint32Array> {
  const sizes = { train: 0, validation: 0, test: 0 };
  for (const key of keys) {
    const part = partOf(cut, key);
    if (part !== undefined) sizes[part]++;
  }
  const rows = {
    train: new Uint32Array(sizes.train),
    validation: new Uint32Array(sizes.validation),
    test: new Uint32Array(sizes.test),
  };
  const filled = { train: 0, validation: 0, test: 0 };
  for (let i = 0; i < keys.length; i++) {
    const part = partOf(cut, keys[i]!);
    if (part !== undefined) rows[part][filled[part]++] = i;
  }
  return rows;
}

/** Events by part, and the least and the greatest of what is cut. */
export interface PartSizes extends Record<SplitName, number> {
  low: number;
  high: number;
}
