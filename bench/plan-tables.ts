import { type Figure, shown } from '../src/serving/plan/figure.js';
import type { Plan } from '../src/serving/plan/plan.js';
import { table } from './markdown.js';
import { readResults } from './results.js';

const UNMEASURED = 'Not measured yet.';

type Scale = Pick<Plan, 'request' | 'fleet' | 'storage' | 'network' | 'limits'> & { items: number };

interface Check {
  predictedToMeasured: Record<string, number>;
  rounds: { predicted: Record<string, number>; measured: Record<string, number> }[];
}

interface PlanResults {
  rank: Check;
  recommend: Check;
}

const TITLES: Record<string, string> = {
  perSecond: 'requests/s at most',
  cpuMs: 'processor ms a request',
  latencyMs: 'mean latency, ms',
  p99Ms: 'latency of 99 of 100, ms',
  memoryBytes: 'memory, MB',
};

/** The plan beside what the service then did. */
export function planCheck(): string {
  const results = readResults<PlanResults>('plan');
  if (results === undefined) return UNMEASURED;
  const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  const number = (figure: string, value: number) => {
    return String(Number((figure === 'memoryBytes' ? value / 1e6 : value).toPrecision(3)));
  };
  const rows = (['rank', 'recommend'] as const).flatMap((kind) =>
    Object.entries(results[kind].predictedToMeasured).map(([figure, ratio]) => {
      const of = (side: 'predicted' | 'measured') =>
        number(figure, median(results[kind].rounds.map((round) => round[side][figure]!)));
      return [`${kind}: ${TITLES[figure]}`, of('predicted'), of('measured'), ratio.toFixed(2)];
    }),
  );
  return table(['', 'predicted', 'measured', 'predicted / measured'], rows);
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
