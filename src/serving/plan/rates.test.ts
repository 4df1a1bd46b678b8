import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../testing/folder.js';
import { planOptions } from './options.js';
import { LISTS, type ProbeResult } from './probe.js';
import { readRates, writeRates } from './rates.js';
import { ratesFrom } from './rates-from-probe.js';
import { LEVELS } from './spread.js';
import { plainCascade, plainRates } from './testing/plain.js';
import { requestWork } from './work.js';

test('a rates file is read as it was written, and nothing else is one', async () => {
  const file = join(await temporaryFolder(), 'rates.json');
  expect(await readRates(file)).toBeUndefined();
  await writeRates(file, plainRates());
  expect(await readRates(file)).toEqual(plainRates());
  await writeFile(file, '{ "format": 3 }');
  await expect(readRates(file)).rejects.toThrow('is no rates file: measured');
  await writeFile(file, JSON.stringify({ ...plainRates(), format: 1 }));
  await expect(readRates(file)).rejects.toThrow('is no rates file: format');
  await writeFile(file, 'format: 1');
  await expect(readRates(file)).rejects.toThrow('is no rates file');
});

/** What a machine of these rates would answer the probe with. */
function probed(rates: ReturnType<typeof plainRates>): ProbeResult {
  const subject = plainCascade();
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
    return { k, cpu: service.value + worker.value };
  });
  const idle = (cpu: number, bytes: number, worker: number) => {
    const { handoffMs, handoffMsPerByte, serviceSpread, workerSpread } = rates.service;
    const latency = cpu + handoffMs + handoffMsPerByte * bytes + worker;
    return { latency, bytes, outside: serviceSpread, phases: workerSpread };
  };
  return {
    phases,
    lightest: { phase: 'retrieve', short: list(LISTS.short), long: list(LISTS.long) },
    recommend,
    alone: {
      short: idle(phases.retrieve!.short, 1000 + 20 * LISTS.short, 0),
      long: idle(phases.retrieve!.long, 1000 + 20 * LISTS.long, 0),
      worker: { ...idle(recommend[0]!.cpu, 1500, rates.service.workerHandoffMs), cpu: recommend[0]!.cpu },
    },
    bytes: { fixed: 1000, perCandidate: 20, perItem: 50 },
    memory: 100e6,
  };
}

test('the rates of a machine are found again in what it answers', () => {
  const rates = plainRates();
  Object.assign(rates.service, {
    serviceSpread: LEVELS.map(({ at }) => 2 * at),
    workerSpread: LEVELS.map(({ at }) => 0.5 + at),
  });
  const itemMs = { retrieve: (1000 * 1000 * 4096) / 1e9, rank: (1000 * 1000 * 4096) / 1e9 };
  const found = ratesFrom(plainCascade(), probed(rates), { itemMs, items: 4095, scanPerSecond: 1e9 });
  const flat = (value: object): [string, unknown][] =>
    Object.entries(value).flatMap(([name, one]) =>
      typeof one === 'object'
        ? flat(one).map(([inner, x]) => [`${name}.${inner}`, x] as [string, unknown])
        : [[name, one]],
    );
  for (const [name, wanted] of flat({ service: rates.service, models: rates.models })) {
    const value = Object.fromEntries(flat(found))[name];
    if (typeof wanted === 'number') expect(value, name).toBeCloseTo(wanted, wanted > 1e6 ? -3 : 9);
    else expect(value, name).toBe(wanted);
  }
});
