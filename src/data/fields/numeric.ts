import { z } from 'zod';
import type { EncodedColumn } from '../dataset.js';
import { canonicalNumber, type NumberKind, type NumberStatistics } from './kind.js';
import { numberChecks, numberOf } from './sql.js';

const options = z.strictObject({
  buckets: z
    .int()
    .min(2)
    .max(65536)
    .optional()
    .describe('cut at this many quantiles of the training part; each bucket is a row'),
  standardise: z
    .boolean()
    .default(false)
    .describe('subtract the mean and divide by the deviation of the training part'),
  log: z.boolean().default(false).describe('take sign(x) log(1 + |x|) before standardising'),
  nan: z.enum(['error', 'missing']).default('error').describe('what NaN in the data means'),
});
type Options = z.output<typeof options>;

type State =
  | { encoding: 'id'; edges: number[] }
  | { encoding: 'numbers'; mean: number; deviation: number; log: boolean };

/** A number: cut into quantile buckets (the default, 10 of them) or standardised. A missing value is the unknown row, or the mean. */
export const numeric: NumberKind<Options, State> = {
  input: 'number',
  options,
  conflict({ buckets, standardise, log }) {
    if (standardise && buckets !== undefined) return 'a number is cut into buckets or standardised, not both';
    if (log && !standardise) return 'log is taken before standardising: add standardise: true, or leave log out';
    return undefined;
  },
  columns: (field) => [field.column],
  source(field, [column]) {
    const number = numberOf(column!);
    if (field.options.nan === 'error') return { sql: number, checks: numberChecks(column!, false) };
    const finite = `CASE WHEN isnan(${number}) THEN NULL ELSE ${number} END`;
    return {
      sql: finite,
      checks: numberChecks(column!, false).map((check) => ({
        ...check,
        when: `NOT coalesce(isnan(${number}), false) AND ${check.when}`,
      })),
    };
  },
  async fit({ options: { buckets, standardise, log } }, statistics) {
    if (!standardise) return { encoding: 'id', edges: await quantileEdges(statistics, buckets ?? 10) };
    return { encoding: 'numbers', log, ...(await moments(statistics, log)) };
  },
  feature({ name, owner }, state) {
    if (state.encoding === 'numbers') return { name, owner, encoding: 'numbers', width: 1 };
    return { name, owner, encoding: 'id', vocabulary: `${owner}.${name}`, size: state.edges.length + 2 };
  },
  encodeRaw: (value, state) => [encodeNumber(canonicalNumber(value), state)],
  allocate: (count, state) =>
    state.encoding === 'id'
      ? { encoding: 'id', rows: new Int32Array(count) }
      : { encoding: 'numbers', values: new Float32Array(count), width: 1 },
  encode(value, state, column: EncodedColumn, index) {
    if (column.encoding === 'id') column.rows[index] = encodeNumber(value, state);
    else if (column.encoding === 'numbers') column.values[index] = encodeNumber(value, state);
  },
};

function encodeNumber(value: number, state: State): number {
  if (state.encoding === 'numbers') {
    if (Number.isNaN(value)) return 0;
    return Math.fround((squash(value, state.log) - state.mean) / state.deviation);
  }
  if (Number.isNaN(value)) return 0;
  let low = 0;
  let high = state.edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value >= state.edges[middle]!) low = middle + 1;
    else high = middle;
  }
  return low + 1;
}

/** Lower bounds of all buckets but the first. Every bucket holds training values, so equal values may leave fewer than asked for. */
async function quantileEdges(statistics: NumberStatistics, buckets: number): Promise<number[]> {
  const total = await statistics.total();
  const edges: number[] = [];
  let seen = 0;
  let bucket = 1;
  let smallest = Number.NaN;
  for await (const { values, counts } of statistics.chunks()) {
    for (let i = 0; i < values.length; i++) {
      if (Number.isNaN(smallest)) smallest = values[i]!;
      seen += counts[i]!;
      let reached = false;
      while (bucket < buckets && seen > (bucket * total) / buckets) {
        reached = true;
        bucket++;
      }
      if (reached && values[i]! > smallest) edges.push(values[i]!);
    }
  }
  return edges;
}

/** Mean and deviation by Welford's update, in ascending order of the values: the same on every platform. */
async function moments(statistics: NumberStatistics, log: boolean): Promise<{ mean: number; deviation: number }> {
  let seen = 0;
  let mean = 0;
  let squares = 0;
  for await (const { values, counts } of statistics.chunks()) {
    for (let i = 0; i < values.length; i++) {
      const value = squash(values[i]!, log);
      const count = counts[i]!;
      seen += count;
      const difference = value - mean;
      mean += (difference * count) / seen;
      squares += difference * (value - mean) * count;
    }
  }
  const deviation = seen === 0 ? 0 : Math.sqrt(squares / seen);
  return { mean, deviation: deviation > 0 ? deviation : 1 };
}

function squash(value: number, log: boolean): number {
  return log ? Math.sign(value) * Math.log1p(Math.abs(value)) : value;
}
