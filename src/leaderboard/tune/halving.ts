/** One step of successive halving: trials are trained up to so many validations, and so many of them go on. */
export interface Rung {
  /** Validations after which trials are compared; undefined: to their own end. */
  validations: number | undefined;
  /** Trials that are trained in this rung. */
  trials: number;
}

/**
 * Successive halving (Jamieson and Talwalkar, AISTATS 2016): all trials get little, the better third gets three times as much, and so
 * on; the last are trained to their end. With few trials, or few validations to a training, there are fewer rungs.
 *
 * @param trials at least 1
 * @param most validations of a training that nothing stops
 * @param factor how many times fewer trials each rung has, and how many times more they get
 */
export function rungsOf(trials: number, most: number, factor = 3): Rung[] {
  const rungs: Rung[] = [];
  let left = trials;
  for (let validations = 1; validations < most && left > 1; validations *= factor) {
    rungs.push({ validations, trials: left });
    left = Math.max(1, Math.ceil(left / factor));
  }
  return [...rungs, { validations: undefined, trials: left }];
}

/** The better ones by value, in their own order; equal ones by their place, those without a value last. */
export function survivors<T extends { value: number | undefined }>(
  entries: readonly T[],
  count: number,
  lowerIsBetter: boolean,
): T[] {
  const sign = lowerIsBetter ? 1 : -1;
  const worth = ({ value }: T) => (value === undefined ? Number.POSITIVE_INFINITY : sign * value);
  const order = entries.map((entry, place) => ({ entry, place, worth: worth(entry) }));
  order.sort((a, b) => (a.worth === b.worth ? a.place - b.place : a.worth - b.worth));
  const kept = order.slice(0, count).filter((one) => one.entry.value !== undefined);
  return kept.sort((a, b) => a.place - b.place).map(({ entry }) => entry);
}
