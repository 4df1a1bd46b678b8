import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fleet } from './fleet.js';
import { loadOf } from './load.js';
import type { PlanInput } from './options.js';
import { checkPlan, plan } from './plan.js';
import { plainCascade, plainRates } from './testing/plain.js';

const planned = (input: PlanInput = {}) => plan(plainCascade(), plainRates(), input);

test('the work of a request is the arithmetic of the cost sheet', () => {
  const { request } = planned();
  const [retrieve, rank] = request.phases;
  // 10,000 items of 10 numbers at 1e9 a second; 500 candidates of 100 FLOPs, then 500 of 1,000.
  expect(retrieve!.user.value).toBeCloseTo(0.002, 12);
  expect(retrieve!.search!.value).toBeCloseTo(0.1, 12);
  expect(retrieve!.list.value).toBeCloseTo(0.05 + 0.05, 12);
  expect(rank!).toMatchObject({ in: 500, kept: 20, search: undefined });
  expect(rank!.list.value).toBeCloseTo(0.05 + 0.5, 12);
  expect(request.worker.value).toBeCloseTo(0.202 + 0.552, 12);
  // 20 items, and the encodings of both models.
  expect(request.service.value).toBeCloseTo(0.6 + 20 * 0.01 + 0.2, 12);
  expect(request.bytes.value).toBe(1000 + 20 * 50);
  expect(retrieve!.list.formula).toBe('0.05 ms + 50 kFLOP for 500 / 1 GFLOP/s');
});

test('user states that are kept cost nothing', () => {
  const { request } = planned({ cached: 1 });
  expect(request.phases.map(({ user }) => user.value)).toEqual([0, 0]);
  expect(request.service.value).toBeCloseTo(0.6 + 20 * 0.01, 12);
});

test('a ranking of given candidates is the last phase alone', () => {
  const { request } = planned({ candidates: 1000, cached: 1 });
  expect(request).toMatchObject({ kind: 'rank', phases: [{ phase: 'rank', in: 1000 }] });
  expect(request.worker.value).toBeCloseTo(0.05 + 1, 12);
  expect(request.service.value).toBeCloseTo(0.5 + 1, 12);
});

test('a short ranking of a user whose state is kept is no work for a worker', () => {
  // 0.05 ms and 100,000 FLOPs: no more than 0.2 ms.
  const { request } = planned({ candidates: 100, cached: 1 });
  expect(request.worker.value).toBe(0);
  expect(request.service.value).toBeCloseTo(0.5 + 0.1 + 0.15, 12);
  expect(request.handoff.value).toBeCloseTo(0.2 + 3000 * 1e-5, 12);
  // Where a state has to be computed a worker does it, and the list after it.
  const half = planned({ candidates: 100, cached: 0.5 }).request;
  expect(half.worker.value).toBeCloseTo(0.5 * (0.002 + 0.15), 12);
  expect(half.service.value).toBeCloseTo(0.5 + 0.1 + 0.5 * 0.1 + 0.5 * 0.15, 12);
  expect(half.handoff.value).toBeCloseTo(0.2 + 3000 * 1e-5 + 0.5 * 0.1, 12);
  // 0.05 ms and 151,000 FLOPs: more.
  expect(planned({ candidates: 151, cached: 1 }).request.worker.value).toBeCloseTo(0.201, 12);
});

test('latency is work, hand-over to threads that sleep, and waiting; a client on the same cores makes all of it longer', () => {
  const { request } = planned({ cached: 1 });
  const rates = plainRates();
  const [m, w] = [request.service.value, request.worker.value];
  const load = (perSecond: number, clientMs: number) =>
    loadOf(request, rates, { cores: 2, workers: 1, perSecond, clientMs });
  expect(load(0, 0).mean.value).toBeCloseTo(m + w + 0.2 + 2000 * 1e-5 + 0.1, 12);
  // Both threads have a core each.
  expect(load(500, 0).stretch).toBe(1);
  const waits = [m, w].map((ms) => (0.5 * ms * ms) / (2 * (1 - 0.5 * ms)));
  // The service is busy for 0.4 of the time.
  const awake = 0.5 * m * (0.2 + 2000 * 1e-5 + 0.1);
  expect(load(500, 0).mean.value).toBeCloseTo(load(0, 0).mean.value - awake + waits[0]! + waits[1]!, 9);
  const shared = load(500, 0.5);
  expect(shared.stretch).toBeGreaterThan(1);
  expect(shared.mean.value).toBeGreaterThan(load(500, 0).mean.value);
  expect(shared.worker.utilisation).toBeCloseTo(shared.stretch * 0.5 * w, 6);
  // With a core more the client is in nobody's way.
  expect(loadOf(request, rates, { cores: 3, workers: 1, perSecond: 500, clientMs: 0.5 }).stretch).toBe(1);
  expect(load(2000, 0).mean.value).toBe(Number.POSITIVE_INFINITY);
  expect(load(2000, 0).p99.value).toBe(Number.POSITIVE_INFINITY);
});

test('threads that sleep have to be woken, those that are busy have not', () => {
  const rates = plainRates();
  Object.assign(rates.service.recommend, { serviceWakingMs: 0.5, workerWakingMs: 0.25 });
  const { request } = plan(plainCascade(), rates, { cached: 1 });
  const [m, w] = [request.service.value, request.worker.value];
  const load = (perSecond: number) => loadOf(request, rates, { cores: 2, workers: 1, perSecond });
  expect(load(0).mean.value).toBeCloseTo(m + w + 0.75 + request.handoff.value, 12);
  // Of 0.8 ms: busy for ρ = 0.4 + 0.25 (1 − ρ) of the time.
  expect(load(500).service.utilisation).toBeCloseTo(0.65 / 1.25, 9);
  expect(load(500).worker.utilisation).toBeCloseTo(0.5 * (w + (0.25 * 0.6) / 1.25), 9);
  expect(load(1249).service.utilisation).toBeLessThan(1);
  expect(load(1250).mean.value).toBe(Number.POSITIVE_INFINITY);
  // Nobody wakes a worker that is given nothing.
  rates.service.rank.workerWakingMs = 5;
  const short = plan(plainCascade(), rates, { candidates: 100, cached: 1 }).request;
  const alone = loadOf(short, rates, { cores: 2, workers: 1, perSecond: 0 });
  expect(alone.mean.value).toBeCloseTo(short.service.value + short.handoff.value, 12);
});

test('a thread that stands still now and then makes wait whom it meets, longer where it is busy', () => {
  const rates = plainRates();
  const [before, stalled] = [0, 5].map((stallMs) => {
    const service = { ...rates.service, recommend: { ...rates.service.recommend, stallMs, stallShare: 0.03 } };
    const { request } = plan(plainCascade(), { ...rates, service }, { cached: 1 });
    return (perSecond: number) => loadOf(request, { ...rates, service }, { cores: 2, workers: 1, perSecond });
  });
  // Busy for 0.4 of the time: of a hundred requests two come upon it, and wait 5 ms.
  expect(stalled!(500).mean.value - before!(500).mean.value).toBeCloseTo(((0.4 * 0.03) / 0.6) * 5, 9);
  expect(stalled!(500).p99.value).toBeGreaterThan(before!(500).p99.value + 1);
  // At 0.1 it is less than one of a hundred.
  expect(stalled!(125).p99.value).toBeLessThan(before!(125).p99.value + 0.5);
  expect(stalled!(1000).p99.value).toBeGreaterThan(before!(1000).p99.value + 3);
});

test('from 20,000 items on the index is searched, which takes longer in far memory, and linked, which takes the logarithm besides', () => {
  const exact = planned({ items: 19_999 }).request.phases[0]!.search!;
  expect(exact.value).toBeCloseTo(0.19999, 9);
  const { request, storage } = planned({ items: 2 ** 20 });
  // A million rows are as far apart as can be; log2 of 2^20 is twice that of 1024.
  expect(request.phases[0]!.search!.value).toBeCloseTo(0.5 * 2, 9);
  expect(storage.link!.value).toBeCloseTo((2 ** 20 * 0.1 * 2 * 2) / 1000, 6);
});

test('without the library of the index every item is looked at, however many', () => {
  const { index: _, ...rates } = plainRates();
  const { request, storage } = plan(plainCascade(), rates, { items: 1e8 });
  expect(request.phases[0]!.search!.value).toBeCloseTo(1000, 6);
  expect(storage.link).toBeUndefined();
});

test('memory is the sum of its parts, with an index for each worker', () => {
  const { storage, fleet: found } = planned({ items: 1e6, cores: 3 });
  expect(found.load.workers).toBe(2);
  const parts = Object.fromEntries(storage.parts.map(({ name, memory }) => [name, memory.value]));
  expect(parts).toEqual({
    process: 100e6,
    'item states': 1e6 * (40 + 60),
    keys: 1e6 * 130,
    weights: 2 * 2e6,
    index: 2 * 1e6 * (6 * 11 + 212),
  });
  expect(storage.memory.value).toBe(Object.values(parts).reduce((a, b) => a + b, 0));
  // 1,000 FLOPs an item and phase.
  expect(storage.encode.map(({ time }) => time.value)).toEqual([1, 1]);
});

test('a trainer keeps a row for each item three times, of the model that has most', () => {
  const subject = plainCascade();
  subject.phases[1]!.cost.trainingBytesPerItem = 64;
  const { storage, limits } = plan(subject, plainRates(), { items: 1e9, memoryGiB: 100 });
  expect(storage.tables.value).toBe(3 * 1e9 * 64);
  expect(limits.find(({ what }) => what === 'tables of a trainer')!.ratio).toBeCloseTo((3 * 64e9) / (100 * 2 ** 30), 9);
});

test('the network carries every request', () => {
  expect(planned({ requestsPerSecond: 500 }).network.value).toBe(500 * 2000);
});

test('this machine: the busiest of its parts decides', () => {
  // Service 1 ms, workers 0.754 ms on three threads, four cores for both.
  expect(planned().here.value).toBeCloseTo(1000 / 1, 9);
});

test('no smaller fleet would do', () => {
  const { request } = planned();
  const needs = fc.record({
    requestsPerSecond: fc.double({ min: 1, max: 50_000, noNaN: true }),
    latencyMs: fc.double({ min: 2.5, max: 50, noNaN: true }),
    utilisation: fc.double({ min: 0.2, max: 0.95, noNaN: true }),
    mostCores: fc.integer({ min: 2, max: 16 }),
  });
  fc.assert(
    fc.property(needs, (asked) => {
      const found = fleet(request, plainRates(), asked);
      expect(found.suffices).toBe(true);
      expect(found.load.service.utilisation).toBeLessThanOrEqual(asked.utilisation);
      expect(found.load.worker.utilisation).toBeLessThanOrEqual(asked.utilisation);
      expect(found.load.p99.value).toBeLessThanOrEqual(asked.latencyMs);
      if (found.replicas > 1) {
        expect(fleet(request, plainRates(), { ...asked, replicas: found.replicas - 1 }).suffices).toBe(false);
      }
      if (found.cores > 2) {
        const { replicas, cores } = found;
        expect(fleet(request, plainRates(), { ...asked, replicas, cores: cores - 1 }).suffices).toBe(false);
      }
    }),
  );
});

test('a latency below what a request takes alone is not reached by any fleet, and the plan says what is in the way', () => {
  const { fleet: found, limits } = planned({ latencyMs: 1 });
  expect(found.suffices).toBe(false);
  const alone = limits.find(({ what }) => what === 'time of one request alone')!;
  expect(alone.ratio).toBeGreaterThan(1);
  expect(alone.remedy).toContain('rank takes most of it');
});

test('limits stand in the order in which they break', () => {
  const { limits } = planned({ items: 1e8, requestsPerSecond: 1 });
  const ratios = limits.map(({ ratio }) => ratio);
  expect(ratios).toEqual([...ratios].sort((a, b) => b - a));
  const keys = limits.find(({ what }) => what === 'items of one server')!;
  expect(keys.ratio).toBeCloseTo(1e8 / 2 ** 24, 9);
  expect(keys.remedy).toContain('--to vespa');
});

test('rates of another model are taken, and that is said', () => {
  const rates = plainRates();
  rates.models.rank!.fingerprint = 'other';
  expect(plan(plainCascade(), rates).notes).toEqual([
    'the rates of rank were measured with another plain-rank: its FLOP/s are taken for this plain-rank',
  ]);
  expect(planned().notes).toEqual([]);
});

test.each<[string, PlanInput]>([
  ['itemz', { itemz: 5 } as never],
  ['items', { items: 0 }],
  ['there is no phase prerank', { keep: { prerank: 5 } }],
  ['rank cannot keep 501 items of the 500', { keep: { rank: 501 } }],
  ['k means nothing for rankings', { k: 5, candidates: 5 }],
  ['keeps no items', { candidates: 5, keep: { rank: 5 } }],
  ['40 cores are more than the 32', { cores: 40 }],
])('%s', (message, input) => {
  expect(() => checkPlan(plainCascade(), input)).toThrow(message);
});

test('what cannot retrieve is planned for rankings only', () => {
  const subject = plainCascade();
  subject.phases.shift();
  expect(() => plan(subject, plainRates())).toThrow('plain cannot retrieve');
  expect(plan(subject, plainRates(), { candidates: 100 }).request.kind).toBe('rank');
});

test('rates that lack a phase are refused', () => {
  const { models, ...rates } = plainRates();
  expect(() => plan(plainCascade(), { ...rates, models: { rank: models.rank! } })).toThrow('not for retrieve');
});
