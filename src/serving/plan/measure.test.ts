import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { funnelOptions } from '../funnel-log/log.js';
import { serviceOptions } from '../http/options.js';
import { publish } from '../publish.js';
import { serve } from '../serve.js';
import { TOY_TIMEOUT, type ToyRuns, toyRuns } from '../testing/toy-store.js';
import { measureRates } from './measure.js';
import { openSubject } from './open-subject.js';
import { plan } from './plan.js';
import { ratesSchema } from './rates.js';
import { variationOf } from './spread.js';
import { ownIdRows } from './subject.js';

/** The least that gives a figure for everything. */
const EFFORT = {
  settle: { most: 2, last: 1 },
  rounds: 1,
  ...{ short: 16, long: 8, alone: 5, paused: 5, pauseMs: 1, loadedSeconds: 0.2 },
  ...{ scanRows: 2_000, linkRows: 500, farValues: 1 << 18 },
};

let toy: ToyRuns;
let store: string;

beforeAll(async () => {
  toy = await toyRuns('retrieve', 'rank');
  store = join(toy.folder, 'store');
  await publish({ store, phases: toy.plans });
}, TOY_TIMEOUT);
afterAll(() => toy.remove());

/** The service on the calling thread. */
async function serveHere(folder: string) {
  const { url, stop } = await serve({
    store: folder,
    service: serviceOptions.parse({ port: 0 }),
    funnel: funnelOptions.parse({ share: 0 }),
    engine: { workers: 0 },
    log: pino({ level: 'silent' }),
  });
  return { url, stop: async () => void (await stop()) };
}

test('a run, a cascade and the version that was published of it have the same cost sheets', async () => {
  const cascade = join(toy.folder, 'cascade.yaml');
  await writeFile(
    cascade,
    'data: data/dataset.yaml\nretrieve: { run: retrieve, items: 20 }\nrank: { run: rank, items: 5 }\n',
  );
  const [ofRun, ofCascade, ofStore] = [
    await openSubject(toy.runs.retrieve!),
    await openSubject(cascade),
    await openSubject(store),
  ];
  const sheets = ({ phases }: typeof ofStore) =>
    phases.map(({ phase, model, fingerprint, keep, cost: { list, ...cost } }) => ({
      ...{ phase, model, fingerprint, keep, cost, lists: [list(1), list(100)] },
    }));
  expect(sheets(ofCascade)).toEqual(sheets(ofStore));
  expect(sheets(ofRun)).toEqual([{ ...sheets(ofStore)[0], keep: 500 }]);
  expect(ofStore).toMatchObject({
    items: 40,
    phases: [{ cost: { vector: { width: 5, vectors: 1 } } }, { cost: { vector: undefined } }],
  });
  // A state of five numbers; the rank model's, its input.
  expect(ofStore.phases[0]!.cost.stateBytes).toBe(20);
  expect(sheets(ofStore)[1]!.lists[1]! / sheets(ofStore)[1]!.lists[0]!).toBeGreaterThan(50);
  for (const subject of [ofRun, ofCascade, ofStore]) await subject.release();
});

test('the catalogue is that of the data, not what training saw of it; a run that does not say is taken by its vocabulary', async () => {
  const said = async (path: string) => {
    const { items, itemsFrom, release } = await openSubject(path);
    await release();
    return { items, itemsFrom };
  };
  expect(await said(toy.runs.retrieve!)).toEqual({ items: 40, itemsFrom: 'the catalogue it was trained with' });
  expect(await said(store)).toEqual({ items: 40, itemsFrom: 'the catalogue of the version' });
  const copy = join(toy.folder, 'copy');
  await cp(toy.runs.retrieve!, copy, { recursive: true });
  const { items: _, ...record } = JSON.parse(await readFile(join(copy, 'run.json'), 'utf8'));
  const rewrite = (items?: number) => writeFile(join(copy, 'run.json'), JSON.stringify({ ...record, items }));
  await rewrite(60);
  expect((await said(copy)).items).toBe(60);
  await rewrite();
  const vocabulary = ownIdRows(JSON.parse(await readFile(join(copy, 'schema.json'), 'utf8'))) - 1;
  expect(await said(copy)).toEqual({
    items: vocabulary,
    itemsFrom: expect.stringContaining('those that training saw'),
  });
});

test('rates are measured by serving invented items, and make a plan', async () => {
  const subject = await openSubject(store);
  const stages: string[] = [];
  const rates = await measureRates(subject, {
    serve: serveHere,
    effort: EFFORT,
    onProgress: (stage) => stages.push(stage),
  });
  expect(ratesSchema.parse(rates)).toEqual(rates);
  expect(stages).toEqual(['writing a store of invented items', 'measuring the service', 'measuring the search']);
  expect(Object.keys(rates.models)).toEqual(['retrieve', 'rank']);
  expect(rates.service.bytesPerCandidate).toBeGreaterThan(5);
  expect(rates.service.memoryBytes).toBeGreaterThan(1e7);
  expect(variationOf(rates.service.serviceSpread)).toBeGreaterThan(0);
  const made = plan(subject, rates, { items: 1e6, requestsPerSecond: 10 });
  expect(made.notes).toEqual([]);
  expect(made.request.worker.value).toBeGreaterThan(0);
  expect(made.storage.memory.value).toBeGreaterThan(1e6 * 20);
}, 60_000);

test('what is nothing that can be planned', async () => {
  await expect(openSubject(join(toy.folder, 'nowhere'))).rejects.toThrow('nowhere does not exist');
  await expect(openSubject(join(toy.folder, 'data'))).rejects.toThrow('neither a run folder nor a store');
  await expect(openSubject(join(toy.folder, 'data/users.csv'))).rejects.toMatchObject({
    code: expect.stringMatching(/^CONFIG_/),
  });
  const damaged = join(toy.folder, 'damaged');
  await cp(store, damaged, { recursive: true });
  const [version] = await readdir(join(damaged, 'versions'));
  await writeFile(join(damaged, 'versions', version!, 'rank/encoders.json'), '{');
  await expect(openSubject(damaged)).rejects.toMatchObject({
    code: 'SERVING_STORE',
    message: expect.stringContaining('rank/encoders.json is missing or damaged'),
  });
});
