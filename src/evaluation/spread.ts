/** What several runs make of one figure. */
export interface Spread {
  mean: number;
  /** Sample standard deviation (n − 1); 0 for one run. */
  deviation: number;
  runs: number;
}

/** Mean and spread; undefined without values. */
export function spread(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / Math.max(1, values.length - 1)), runs: values.length };
}

/** Places from 1, the best first; equal values share the mean of their places. What is undefined has no place. */
export function places(values: readonly (number | undefined)[], lowerIsBetter = false): (number | undefined)[] {
  const sign = lowerIsBetter ? -1 : 1;
  const present = values.filter((value) => value !== undefined);
  return values.map((value) => {
    if (value === undefined) return undefined;
    const ahead = present.filter((other) => sign * other > sign * value).length;
    const equal = present.filter((other) => other === value).length;
    return ahead + (equal + 1) / 2;
  });
}
