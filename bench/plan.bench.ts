import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from '../src/runs/environment.js';
import { loadOf } from '../src/serving/plan/load.js';
import { measureRates } from '../src/serving/plan/measure.js';
import { openSubject } from '../src/serving/plan/open-subject.js';
import type { PlanInput } from '../src/serving/plan/options.js';
import { plan } from '../src/serving/plan/plan.js';
import type { Rates } from '../src/serving/plan/rates.js';
import { spawnServer } from '../src/serving/plan/spawn.js';
import { type Figures, LOADS, measured, most } from './plan-measured.js';
import { writeResults } from './results.js';
import { median, type Shot } from './serve-load.js';
import { logOf, runOf, storeOf } from './serve-stores.js';

export const name = 'plan';
export const description =
  'capacity plan against the service it plans: throughput, processor time, latency and memory [FOLDER=DIR | ITEMS=N | ROUNDS=N]';

/** How far a prediction may be off. */
const TOLERANCE = 0.25;
const HEADERS = { 'content-type': 'application/json' };
const serve = (store: string) => spawnServer(fileURLToPath(new URL('../src/cli/main.js', import.meta.url)), store);

interface Case {
  name: string;
  store: string;
  /** Users come again and again: their states are kept. */
  input: PlanInput;
  shots: Shot[];
}

/** Predicts a case from the rates of the machine, and measures it. */
async function round({ store, input, shots }: Case, rates: Rates) {
  const subject = await openSubject(store);
  try {
    const { request, storage } = plan(subject, rates, { ...input, cores: Math.max(2, rates.cores) });
    const asked = { request, cores: rates.cores, workers: Math.max(1, rates.cores - 1) };
    const found = await measured({ store, shots, ...asked });
    const { clientMs, sent } = found;
    const loads = sent.map((one) => loadOf(request, rates, { ...asked, ...one }));
    const predicted: Figures = {
      perSecond: most(asked, clientMs),
      cpuMs: request.service.value + request.worker.value,
      memoryBytes: storage.memory.value,
      latencies: loads.map(({ mean, p99 }) => ({ mean: mean.value, p99: p99.value })),
    };
    const by = { ...request, phases: undefined, latencies: loads.map(({ mean }) => mean.formula) };
    return { predicted, measured: found.figures, by, clientMs, sent };
  } finally {
    await subject.release();
  }
}

type Round = Awaited<ReturnType<typeof round>>;

/** Every figure of a round by its name. */
function flat({ latencies, ...figures }: Figures): Record<string, number> {
  const named = latencies.flatMap(({ mean, p99 }, i) => [
    [`mean at ${LOADS[i]}`, mean] as const,
    [`p99 at ${LOADS[i]}`, p99] as const,
  ]);
  return { ...figures, ...Object.fromEntries(named) };
}

/** Predicted over measured, the middle one of the rounds. */
function ratios(rounds: readonly Round[]) {
  const names = Object.keys(flat(rounds[0]!.predicted));
  const ratio = (name: string) =>
    median(rounds.map(({ predicted, measured: found }) => flat(predicted)[name]! / flat(found)[name]!));
  return Object.fromEntries(names.map((name) => [name, ratio(name)]));
}

/** What `docs/scaling.md` works through. */
const SCALES = [1e6, 1e8, 1e9];
const SCALED = { requestsPerSecond: 1000, latencyMs: 50, memoryGiB: 256 } satisfies PlanInput;

/** Plans for ever more items. */
async function scales(store: string, rates: Rates) {
  const subject = await openSubject(store);
  const plans = SCALES.map((items) => {
    const { request, fleet, storage, network, limits } = plan(subject, rates, { ...SCALED, items });
    return { items, request, fleet, storage, network, limits };
  });
  await subject.release();
  return { asked: SCALED, rates, plans };
}

export async function run(args: readonly string[]): Promise<void> {
  const setting = (key: string) => args.find((arg) => arg.startsWith(`${key}=`))?.slice(key.length + 1);
  const folder = setting('FOLDER') ?? (await mkdtemp(join(tmpdir(), 'twotower-plan-bench-')));
  const items = Number(setting('ITEMS') ?? 10_000);
  const rounds = Number(setting('ROUNDS') ?? 3);
  const data = await logOf(folder, items);
  const dssm = await runOf(folder, data, items, 'dssm');
  const rankings = await storeOf(folder, `plan-rank-${items}`, [{ phase: 'retrieve', run: dssm }]);
  const ranking = (name: string, count: number): Case => ({
    name,
    store: rankings,
    input: { candidates: count, cached: 1 },
    shots: Array.from({ length: 64 }, (_, i) => {
      const candidates = Array.from({ length: count }, (_, j) => (i * 7919 + j * 31) % items);
      return { path: '/v1/rank', headers: HEADERS, body: JSON.stringify({ user: i * 13, candidates }) };
    }),
  });
  const recommend: Case = {
    name: 'recommend',
    store: await storeOf(folder, `plan-recommend-${items}`, [
      { phase: 'retrieve', run: dssm, keep: 500 },
      { phase: 'prerank', run: await runOf(folder, data, items, 'fit'), keep: 100 },
      { phase: 'rank', run: await runOf(folder, data, items, 'dcn-v2'), keep: 20 },
    ]),
    input: { k: 20, cached: 1 },
    shots: Array.from({ length: 64 }, (_, i) => {
      return { path: '/v1/recommend', headers: HEADERS, body: JSON.stringify({ user: i * 37, k: 20 }) };
    }),
  };
  const cases = [ranking('rank 200', 200), ranking('rank 1000', 1000), recommend];
  const done: Record<string, Round[]> = Object.fromEntries(cases.map((one) => [one.name, []]));
  const machine: Rates[] = [];
  for (let i = 0; i < rounds; i++) {
    // Of a store once a round: the rates of the last one are those of the cascade.
    const known = new Map<string, Rates>();
    for (const one of cases) {
      const rates = known.get(one.store) ?? (await ratesOf(one.store));
      known.set(one.store, rates);
      done[one.name]!.push(await round(one, rates));
      console.log(one.name, ratios(done[one.name]!.slice(-1)));
    }
    machine.push(...known.values());
  }
  const checked = cases.map(({ name: kind }) => {
    const predictedToMeasured = ratios(done[kind]!);
    const isWithin = (ratio: number) => Math.abs(ratio - 1) <= TOLERANCE;
    const within = Object.fromEntries(
      Object.entries(predictedToMeasured).map(([figure, ratio]) => [figure, isWithin(ratio)]),
    );
    return { name: kind, predictedToMeasured, within, rounds: done[kind]! };
  });
  for (const { name: kind, predictedToMeasured } of checked) console.log('median', kind, predictedToMeasured);
  const common = { items, tolerance: TOLERANCE, loads: LOADS };
  await writeResults('plan', { ...common, cases: checked, rates: machine, environment: environment() });
  await writeResults('plan-scales', {
    ...(await scales(recommend.store, machine.at(-1)!)),
    environment: environment(),
  });
}

async function ratesOf(store: string): Promise<Rates> {
  const subject = await openSubject(store);
  try {
    return await measureRates(subject, { serve });
  } finally {
    await subject.release();
  }
}
