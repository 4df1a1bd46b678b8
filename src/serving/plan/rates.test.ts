import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Random } from '../../random.js';
import { temporaryFolder } from '../../testing/folder.js';
import { planOptions } from './options.js';
import type { LoadedKind, ProbeResult } from './probe.js';
import { LISTS } from './probe-kinds.js';
import { type Rates, readRates, writeRates } from './rates.js';
import { ratesFrom } from './rates-from-probe.js';
import { LEVELS } from './spread.js';
import { plainCascade, plainRates } from './testing/plain.js';
import { wayOf } from './way.js';
import { type RequestWork, requestWork } from './work.js';

test('a rates file is read as it was written, and nothing else is one', async () => {
  const file = join(await temporaryFolder(), 'rates.json');
  expect(await readRates(file)).toBeUndefined();
  await writeRates(file, plainRates());
  expect(await readRates(file)).toEqual(plainRates());
  await writeFile(file, '{ "format": 4 }');
  await expect(readRates(file)).rejects.toThrow('is no rates file: measured');
  await writeFile(file, JSON.stringify({ ...plainRates(), format: 1 }));
  await expect(readRates(file)).rejects.toThrow('is no rates file: format');
  await writeFile(file, 'format: 1');
  await expect(readRates(file)).rejects.toThrow('is no rates file');
});

/** What requests that come at random take where the plan is right, the shortest first. */
function loaded(rates: Rates, work: RequestWork, perSecond: number): LoadedKind {
  const random = Random.of(1, 'loaded');
  const { parts, service, worker, stalled, busiest } = wayOf(work, rates, { cores: 4, workers: 3, perSecond });
  const level = (at: number) => (at < 0.9 ? Math.floor(at / 0.05) : Math.min(27, 18 + Math.floor((at - 0.9) / 0.01)));
  const times = Float64Array.from({ length: 100_000 }, () => {
    const done = parts.reduce((sum, { mean, spread }) => sum + mean * spread[level(random.uniform())]!, 0);
    return [service, worker, stalled].reduce(
      (sum, { chance, rate }) => sum + (random.uniform() < chance ? -Math.log(1 - random.uniform()) / rate : 0),
      done,
    );
  });
  const asleep = 1 - busiest;
  const { serviceWakingMs, workerWakingMs } = rates.service[work.kind];
  return {
    ...{ perSecond, times: [times.sort()], clientMs: 0 },
    service: work.service.value + asleep * serviceWakingMs,
    worker: work.worker.value + (work.worker.value === 0 ? 0 : asleep * workerWakingMs),
  };
}

/** What a machine of these rates would answer the probe with. */
function probed(rates: ReturnType<typeof plainRates>): ProbeResult {
  const subject = plainCascade();
  const ofRank = { ...subject, phases: subject.phases.slice(0, 1) };
  const work = (input: object, items: number) => requestWork(subject, rates, planOptions.parse(input), items);
  const phases: ProbeResult['phases'] = {};
  for (const phase of subject.phases) {
    const alone = { ...subject, phases: [phase] };
    const cpu = (candidates: number, cached: number) => {
      const { service, worker } = requestWork(alone, rates, planOptions.parse({ candidates, cached }), 1);
      return service.value + worker.value;
    };
    const user = (1000 * phase.cost.user) / rates.models[phase.phase]!.userFlopsPerSecond;
    phases[phase.phase] = { short: cpu(LISTS.short, 1), long: cpu(LISTS.long, 1), fresh: cpu(LISTS.short, 0), user };
  }
  const list = (candidates: number) => 0.05 + (1000 * 100 * candidates) / 1e9;
  const recommend = [10, 100].map((k) => {
    const { service, worker } = work({ k, cached: 1 }, 4095);
    return { k, service: service.value, worker: worker.value };
  });
  const { workerHandoffMs } = rates.service;
  const idle = (cpu: number, bytes: number, worker: number) => {
    const { handoffMs, handoffMsPerByte, serviceSpread, workerSpread } = rates.service;
    const latency = cpu + handoffMs + handoffMsPerByte * bytes + worker;
    return { latency, cpu, bytes, outside: serviceSpread, phases: workerSpread };
  };
  const busy = recommend[0]!.service + recommend[0]!.worker;
  return {
    phases,
    lightest: { phase: 'retrieve', short: list(LISTS.short), long: list(LISTS.long) },
    recommend,
    alone: {
      short: idle(2 * phases.retrieve!.short, 1000 + 20 * LISTS.short, 0),
      long: idle(2 * phases.retrieve!.long, 1000 + 20 * LISTS.long, 0),
      worker: idle(2 * busy, 1500, workerHandoffMs),
    },
    loaded: {
      rank: loaded(rates, requestWork(ofRank, rates, planOptions.parse({ candidates: LISTS.long, cached: 1 }), 1), 200),
      recommend: loaded(rates, work({ k: 10, cached: 1 }, 4095), 500),
    },
    bytes: { fixed: 1000, perCandidate: 20, perItem: 50 },
    memory: 100e6,
  };
}

test('the rates of a machine are found again in what it answers', () => {
  const rates = plainRates();
  const { rank, recommend } = rates.service;
  Object.assign(rates.service, {
    serviceSpread: LEVELS.map(({ at }) => 2 * at),
    workerSpread: LEVELS.map(({ at }) => 0.5 + at),
    rank: { ...rank, serviceWakingMs: 0.4, stallMs: 6, stallShare: 0.1 },
    recommend: { ...recommend, workerMs: 0.3, serviceWakingMs: 0.2, workerWakingMs: 0.5, stallMs: 9, stallShare: 0.2 },
  });
  const itemMs = { retrieve: (1000 * 1000 * 4096) / 1e9, rank: (1000 * 1000 * 4096) / 1e9 };
  const found = ratesFrom(plainCascade(), probed(rates), { itemMs, items: 4095, scanPerSecond: 1e9, cores: 4 });
  const flat = (value: object): [string, unknown][] =>
    Object.entries(value).flatMap(([name, one]) =>
      typeof one === 'object'
        ? flat(one).map(([inner, x]) => [`${name}.${inner}`, x] as [string, unknown])
        : [[name, one]],
    );
  for (const [name, wanted] of flat({ service: rates.service, models: rates.models })) {
    const value = Object.fromEntries(flat(found))[name];
    // Of what stands still only traces are seen.
    if (name.includes('.stall')) expect(Math.abs((value as number) / (wanted as number) - 1), name).toBeLessThan(0.35);
    else if (typeof wanted === 'number') expect(value, name).toBeCloseTo(wanted, wanted > 1e6 ? -3 : 9);
    else expect(value, name).toBe(wanted);
  }
});
