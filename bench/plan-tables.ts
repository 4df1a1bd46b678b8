import { type Figure, shown } from '../src/serving/plan/figure.js';
import type { Plan } from '../src/serving/plan/plan.js';
import { table } from './markdown.js';
import { readResults } from './results.js';

const UNMEASURED = 'Not measured yet.';

type Scale = Pick<Plan, 'request' | 'fleet' | 'storage' | 'network' | 'limits'> & { items: number };

interface Figures extends Record<'perSecond' | 'cpuMs' | 'memoryBytes', number> {
  latencies: { mean: number; p99: number }[];
}

interface PlanResults {
  loads: number[];
  cases: { name: string; rounds: Record<'predicted' | 'measured', Figures>[] }[];
}

/** The plan beside what the service then did: each figure the middle one of its rounds, and how far the ratios of the rounds lie apart. */
export function planCheck(): string {
  const results = readResults<PlanResults>('plan');
  if (results === undefined) return UNMEASURED;
  const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  const figures: [string, (one: Figures) => number][] = [
    ['requests/s at most', ({ perSecond }) => perSecond],
    ['processor ms a request', ({ cpuMs }) => cpuMs],
    ['memory, MB', ({ memoryBytes }) => memoryBytes / 1e6],
    ...results.loads.flatMap((load, i): [string, (one: Figures) => number][] => [
      [`mean latency at ${load} of them, ms`, ({ latencies }) => latencies[i]!.mean],
      [`99 of 100 at ${load}, ms`, ({ latencies }) => latencies[i]!.p99],
    ]),
  ];
  const number = (value: number) => String(Number(value.toPrecision(3)));
  const rows = figures.map(([title, of]) => [
    title,
    ...results.cases.flatMap(({ rounds }) => {
      const all = (side: 'predicted' | 'measured') => median(rounds.map((round) => of(round[side])));
      const ratios = rounds.map(({ predicted, measured }) => of(predicted) / of(measured));
      const [least, middle, most] = [Math.min(...ratios), median(ratios), Math.max(...ratios)].map((x) => x.toFixed(2));
      return [`${number(all('predicted'))} / ${number(all('measured'))}`, `${middle} (${least} to ${most})`];
    }),
  ]);
  return table(['predicted / measured', ...results.cases.flatMap(({ name }) => [name, ''])], rows);
}

/** The same cascade over ever more items. */
export function scaling(): string {
  const plans = readResults<{ plans: Scale[] }>('plan-scales')?.plans;
  if (plans === undefined) return UNMEASURED;
  const row = (name: string, of: (plan: Scale) => string) => [name, ...plans.map(of)];
  const figures = (name: string, of: (plan: Scale) => Figure | undefined) =>
    row(name, (plan) => {
      const figure = of(plan);
      return figure === undefined ? '–' : shown(figure);
    });
  const part = (name: string) => (plan: Scale) => plan.storage.parts.find((one) => one.name === name)?.memory;
  return table(
    ['', ...plans.map(({ items }) => `${items.toExponential(0).replace('e+', 'e')} items`)],
    [
      figures('search, one request', ({ request }) => request.phases[0]!.search),
      figures('worker, one request', ({ request }) => request.worker),
      figures('service, one request', ({ request }) => request.service),
      row('servers × cores', ({ fleet }) => `${fleet.replicas} × ${fleet.cores}`),
      figures('latency p99', ({ fleet }) => fleet.load.p99),
      figures('memory of a server', ({ storage }) => storage.memory),
      figures('… item states', part('item states')),
      figures('… keys', part('keys')),
      figures('… index, all workers', part('index')),
      figures('tables of a trainer', ({ storage }) => storage.tables),
      figures('a version on the disk', ({ storage }) => storage.artifact),
      row('states of all items, one core', ({ storage }) =>
        shown({ value: storage.encode.reduce((sum, { time }) => sum + time.value, 0), unit: 's', formula: '' }),
      ),
      figures('index, one thread', ({ storage }) => storage.link),
      row('breaks', ({ limits }) => {
        const broken = limits.filter(({ ratio }) => ratio > 1);
        return broken.length === 0
          ? 'nothing'
          : broken.map(({ what, ratio }) => `${what} (${times(ratio)})`).join('; ');
      }),
    ],
  );
}

function times(ratio: number): string {
  return `${Number(ratio.toPrecision(2))} ×`;
}
