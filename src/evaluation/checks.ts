import { TwoTowerError } from '../errors.js';

/** One score or logit per row. */
export type Scores = Float32Array | Float64Array;

/** Throws a RangeError naming `where` unless all columns have as many values as the first. */
export function checkSameLength(where: string, columns: Record<string, ArrayLike<unknown>>): void {
  const lengths = Object.entries(columns).map(([name, { length }]) => ({ name, length }));
  const [first, ...others] = lengths;
  if (others.some(({ length }) => length !== first?.length)) {
    throw new RangeError(`${where}: ${lengths.map(({ name, length }) => `${length} ${name}`).join(' but ')}`);
  }
}

/** Throws a RangeError naming `where` unless `value` is a whole number of at least `least`. */
export function checkWhole(where: string, name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${where}: ${name} must be a whole number of at least ${least}, got ${value}`);
  }
}

/** The error for a score that cannot be ordered or averaged. A metric over such scores would be a number about nothing. */
export function unusableScore(where: string, row: number, score: number): TwoTowerError {
  return new TwoTowerError(
    'TRAIN_DIVERGED',
    `${where}: the score of row ${row} is ${score}`,
    'A model that yields such scores has diverged: lower the learning rate, or evaluate an earlier checkpoint.',
  );
}

/** The error for a label that is not what a metric needs. */
export function unusableLabel(where: string, row: number, label: number, allowed: string): TwoTowerError {
  return new TwoTowerError('DATA_VALUE', `${where}: the label of row ${row} is ${label}`, `Labels must be ${allowed}.`);
}
