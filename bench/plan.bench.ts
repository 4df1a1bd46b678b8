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
import { type Figures, LOAD, measured, most } from './plan-measured.js';
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
  store: string;
  /** Users come again and again: their states are kept. */
  input: PlanInput;
  shots: Shot[];
}

async function round({ store, input, shots }: Case) {
  const subject = await openSubject(store);
  try {
    const rates: Rates = await measureRates(subject, { serve });
    const { request, storage } = plan(subject, rates, { ...input, cores: Math.max(2, rates.cores) });
    const asked = { request, cores: rates.cores, workers: Math.max(1, rates.cores - 1) };
    const found = await measured({ store, shots, ...asked });
    const { clientMs, clientMsAtRandom, refused, rate } = found;
    const load = loadOf(request, rates, { ...asked, perSecond: rate, clientMs: clientMsAtRandom });
    const predicted: Figures = {
      perSecond: most(asked, clientMs),
      cpuMs: request.service.value + request.worker.value,
      latencyMs: load.mean.value,
      p99Ms: load.p99.value,
      memoryBytes: storage.memory.value,
    };
    const by = { service: request.service, worker: request.worker, handoff: request.handoff, latency: load.mean };
    return { predicted, measured: found.figures, by, clientMs, clientMsAtRandom, refused, latencyAt: rate, rates };
  } finally {
    await subject.release();
  }
}

async function check(one: Case, rounds: number) {
  const done: Awaited<ReturnType<typeof round>>[] = [];
  for (let i = 0; i < rounds; i++) {
    const result = await round(one);
    const { rates: _, ...shown } = result;
    console.log(JSON.stringify(shown));
    done.push(result);
  }
  const figures = ['perSecond', 'cpuMs', 'latencyMs', 'p99Ms', 'memoryBytes'] as const;
  const ratios = Object.fromEntries(
    figures.map((figure) => [
      figure,
      median(done.map(({ predicted, measured: found }) => predicted[figure] / found[figure])),
    ]),
  );
  const within = Object.fromEntries(
    Object.entries(ratios).map(([figure, ratio]) => [figure, Math.abs(ratio - 1) <= TOLERANCE]),
  );
  console.log({ predictedToMeasured: ratios, within });
  return { predictedToMeasured: ratios, within, rounds: done };
}

/** What `docs/scaling.md` works through. */
const SCALES = [1e6, 1e8, 1e9];
const SCALED = { requestsPerSecond: 1000, latencyMs: 50, memoryGiB: 256 } satisfies PlanInput;

/** Plans for ever more items, from the rates of the round in which a request took least. */
async function scales(store: string, rounds: readonly Awaited<ReturnType<typeof round>>[]) {
  const { rates } = rounds.toSorted((a, b) => a.predicted.cpuMs - b.predicted.cpuMs)[0]!;
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
  const rank: Case = {
    store: await storeOf(folder, `plan-rank-${items}`, [{ phase: 'retrieve', run: dssm }]),
    input: { candidates: 1000, cached: 1 },
    shots: Array.from({ length: 64 }, (_, i) => {
      const candidates = Array.from({ length: 1000 }, (_, j) => (i * 7919 + j * 31) % items);
      return { path: '/v1/rank', headers: HEADERS, body: JSON.stringify({ user: i * 13, candidates }) };
    }),
  };
  const recommend: Case = {
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
  const ranking = await check(rank, rounds);
  const recommending = await check(recommend, rounds);
  await writeResults('plan', {
    items,
    tolerance: TOLERANCE,
    load: LOAD,
    rank: ranking,
    recommend: recommending,
    environment: environment(),
  });
  await writeResults('plan-scales', {
    ...(await scales(recommend.store, recommending.rounds)),
    environment: environment(),
  });
}
