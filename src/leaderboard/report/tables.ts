import { large } from '../../cascade/report/words.js';
import { formatMetric } from '../../evaluation/report.js';
import { places } from '../../evaluation/spread.js';
import type { Measured } from '../measured.js';
import type { Leaderboard, MetricResult, ModelResult, TableResult } from '../results.js';

/** A table for people: cells are text already; the first row is the header. */
export interface ReportTable {
  title: string;
  /** What must be known to read it; may be empty. */
  note: string;
  rows: string[][];
}

const MARKS = { better: ' ▲', worse: ' ▼', 'no significant difference': '' } as const;

/** The middle one of some values; of an even number the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
}

/** Median over the runs of what one of them costs; NaN without runs. */
export function ofRuns(runs: readonly Measured[], value: (run: Measured) => number): number {
  return runs.length === 0 ? Number.NaN : median(runs.map(value));
}

/** Milliseconds for one request's user part and candidates, in the middle of requests and runs. */
export function requestMs(runs: readonly Measured[]): number {
  return ofRuns(runs, ({ latency: { user, score } }) => user.p50 + score.p50);
}

/** Where test labels leak into features, every table and picture says so. */
export function titled(title: string, { pipeline }: TableResult['protocol']): string {
  return pipeline === undefined ? title : `${title} (LEAKY)`;
}

export function qualityTable({ protocol, models, baseline, references }: TableResult): ReportTable {
  const seeds = Math.max(...models.map(({ runs, diverged }) => runs.length + diverged.length));
  const [main] = protocol.metrics;
  const spread = seeds > 1 ? `Mean over ${seeds} seeds ± standard deviation.` : 'One seed.';
  return {
    title: titled('Quality', protocol),
    note: `${spread} ▲ significantly better, ▼ significantly worse than ${baseline}; no mark: no significant difference. Place: by the mean of ${main}.${references.map(({ name, about }) => (about === undefined ? '' : ` ${name}: ${about}.`)).join('')}`,
    rows: [
      ['model', ...protocol.metrics, 'place'],
      ...byPlace(models, main!).map(({ name, metrics, diverged }) => [
        `${name}${diverged.length === 0 ? '' : ` (${diverged.length} of ${seeds} seeds diverged)`}`,
        ...protocol.metrics.map((metric) => cell(metrics[metric])),
        metrics[main!] === undefined ? '–' : String(metrics[main!]!.place),
      ]),
      ...references.map(({ name, values }) => [
        name,
        ...protocol.metrics.map((metric) => formatMetric(values[metric] ?? undefined)),
        '–',
      ]),
    ],
  };
}

/** `0.7411 ± 0.0008 ▲` */
function cell(result: MetricResult | undefined): string {
  if (result === undefined) return '–';
  const mark = result.comparison === undefined ? '' : MARKS[result.comparison.verdict];
  return `${formatMetric(result.mean)}${result.runs > 1 ? ` ± ${alike(result.deviation, result.mean)}` : ''}${mark}`;
}

/** A deviation with as many decimals as the mean it stands beside. */
function alike(deviation: number, mean: number): string {
  return deviation.toFixed(formatMetric(mean).split('.')[1]?.length ?? 0);
}

/** The best first; those without a value last. */
export function byPlace(models: readonly ModelResult[], metric: string): ModelResult[] {
  const placeOf = ({ metrics }: ModelResult) => metrics[metric]?.place ?? Number.POSITIVE_INFINITY;
  return [...models].sort((a, b) => (placeOf(a) === placeOf(b) ? 0 : placeOf(a) - placeOf(b)));
}

/** `+0.0021` */
export function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
}

export function differencesTable({ protocol, models, baseline }: TableResult, board: Leaderboard): ReportTable {
  return {
    title: titled(`Difference from ${baseline}`, protocol),
    note: `Paired bootstrap: ${board.resamples.toLocaleString('en-US')} times users and seeds were drawn anew, the same users for both models; 95 % of the differences lie in the interval. p is corrected (Holm) for all comparisons of one metric; significant below ${board.level}.`,
    rows: [
      ['model', 'metric', 'difference', '95 % interval', 'p', 'p corrected', 'verdict'],
      ...byPlace(models, protocol.metrics[0]!).flatMap(({ name, metrics }) =>
        protocol.metrics.flatMap((metric) => {
          const comparison = metrics[metric]?.comparison;
          if (comparison === undefined) return [];
          const { difference, low, high, p, corrected, verdict } = comparison;
          return [
            [
              name,
              metric,
              signed(difference),
              `${signed(low)} to ${signed(high)}`,
              pText(p),
              pText(corrected),
              verdict,
            ],
          ];
        }),
      ),
    ],
  };
}

function pText(p: number): string {
  return p < 0.001 ? p.toPrecision(1) : p.toFixed(3);
}

export function costTable({ protocol, models }: TableResult): ReportTable {
  const number = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? '–' : large(value));
  const ms = (value: number) => (Number.isNaN(value) ? '–' : value.toFixed(2));
  const latency = models.flatMap(({ runs }) => runs.map((run) => run.latency))[0];
  return {
    title: titled('Cost', protocol),
    note: `FLOPs are read off the graphs. Times: the middle of ${latency?.requests ?? 0} requests sent one by one on this machine, with ${latency?.candidates.toLocaleString('en-US') ?? 0} candidates each, while nothing was trained; the middle of the seeds. samples/s: in training, beside whatever else was trained at the time.`,
    rows: [
      [
        'model',
        'parameters',
        'FLOPs an item',
        'a request',
        'a candidate',
        'bytes an item',
        'user ms',
        'candidates ms',
        'samples/s',
      ],
      ...models.map(({ name, runs }) => [
        name,
        number(runs[0]?.parameters),
        number(runs[0]?.cost.item?.flops),
        number(runs[0]?.cost.user?.flops),
        number(runs[0]?.cost.score?.flops),
        number(runs[0]?.cost.item?.outputBytes),
        ms(ofRuns(runs, (run) => run.latency.user.p50)),
        ms(ofRuns(runs, (run) => run.latency.score.p50)),
        number(ofRuns(runs, (run) => run.samplesPerSecond ?? Number.NaN)),
      ]),
    ],
  };
}

/** One table per way to divide the exposures; the table's first metric. */
export function sliceTables({ protocol, models, slices }: TableResult): ReportTable[] {
  const metric = protocol.metrics[0]!;
  const ways = [...new Set(slices.map(({ by }) => by))];
  return ways.map((by) => ({
    title: titled(`${metric} by ${by}`, protocol),
    note: '',
    rows: [
      [by, 'exposures', ...models.map(({ name }) => name)],
      ...slices
        .filter((slice) => slice.by === by)
        .map(({ group, exposures, values }) => [
          group,
          exposures.toLocaleString('en-US'),
          ...models.map(({ name }) => {
            const value = values[name]?.[metric];
            return value === null || value === undefined ? '–' : formatMetric(value);
          }),
        ]),
    ],
  }));
}

/** Places over all tables but leaky ones, for models that stand in more than one; undefined where there is one table. */
export function placesTable(board: Leaderboard): ReportTable | undefined {
  const tables = board.tables.filter(({ protocol }) => protocol.pipeline === undefined);
  if (tables.length < 2) return undefined;
  const names = [...new Set(tables.flatMap(({ models }) => models.map(({ name }) => name)))];
  const rows = names.map((name) => {
    const own = tables.map(({ models, protocol }) => {
      return models.find((model) => model.name === name)?.metrics[protocol.metrics[0]!]?.place;
    });
    const found = own.filter((place) => place !== undefined);
    return { name, own, mean: found.length === 0 ? undefined : found.reduce((a, b) => a + b, 0) / found.length };
  });
  const order = places(
    rows.map(({ mean }) => mean),
    true,
  );
  const sorted = rows.map((row, i) => ({ ...row, place: order[i] ?? Number.POSITIVE_INFINITY }));
  sorted.sort((a, b) => (a.place === b.place ? 0 : a.place - b.place));
  return {
    title: 'Places',
    note: 'By the first metric of each table, whether or not the differences are significant; the mean is over the tables a model stands in.',
    rows: [
      ['model', ...tables.map(({ protocol }) => protocol.name), 'mean'],
      ...sorted.map(({ name, own, mean }) => [
        name,
        ...own.map((place) => (place === undefined ? '–' : String(place))),
        mean === undefined ? '–' : mean.toFixed(2),
      ]),
    ],
  };
}
