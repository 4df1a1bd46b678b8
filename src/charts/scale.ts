/** From values to places on one axis of a picture. */
export interface Scale {
  at(value: number): number;
  /** Round values that lie on the axis, ascending. */
  ticks: number[];
  text(tick: number): string;
}

/**
 * An axis with equal steps, a little longer than the values need.
 *
 * @param from,to where the lowest and the highest end of the axis are
 * @param most how many steps at most, about
 */
export function linearScale(values: readonly number[], from: number, to: number, most = 5): Scale {
  const [low, high] = bounds(values);
  const range = high - low || Math.max(Math.abs(high), 1e-3) * 0.1;
  const rough = range / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough * (1 - 1e-9))!;
  // What cannot be negative has no axis below 0.
  const first = Math.max(Math.floor((low - range * 0.05) / step), low >= 0 ? 0 : Number.NEGATIVE_INFINITY);
  const last = Math.ceil((high + range * 0.05) / step);
  const [start, end] = [first * step, last * step];
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return {
    at: (value) => from + ((value - start) / (end - start)) * (to - from),
    ticks: Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step),
    text: (tick) => tick.toFixed(digits).replace(/^-(?=0(\.0*)?$)/, ''),
  };
}

/** A logarithmic axis; values must be above 0. */
export function logScale(
  values: readonly number[],
  from: number,
  to: number,
  text: (value: number) => string = String,
): Scale {
  const [low, high] = bounds(values).map(Math.log10) as [number, number];
  const margin = Math.max(0.08, (high - low) * 0.08);
  const [start, end] = [low - margin, high + margin];
  const decades = Array.from({ length: Math.ceil(end) - Math.floor(start) + 1 }, (_, i) => Math.floor(start) + i);
  // Over many decades their beginnings are enough.
  const steps = end - start > 3 ? [1] : [1, 2, 5];
  const all = decades.flatMap((decade) => steps.map((one) => one * 10 ** decade));
  const ticks = all.filter((tick) => Math.log10(tick) >= start && Math.log10(tick) <= end);
  return {
    at: (value) => from + ((Math.log10(value) - start) / (end - start)) * (to - from),
    // Within less than a factor of two no round value may lie.
    ticks: ticks.length > 1 ? ticks : [10 ** low, ...(high > low ? [10 ** high] : [])],
    text,
  };
}

function bounds(values: readonly number[]): [number, number] {
  if (values.length === 0) throw new RangeError('a scale needs at least one value');
  return [Math.min(...values), Math.max(...values)];
}
