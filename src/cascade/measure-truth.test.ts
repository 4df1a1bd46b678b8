import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { funnelOptions } from '../data/funnel/options.js';
import { openTruth } from '../data/funnel/truth-files.js';
import { writeFunnel } from '../data/funnel/write.js';
import { trainRun } from '../runs/train.js';
import { readCascade } from './config.js';
import { evaluateCascade } from './evaluate.js';
import { type Cascade, openCascade } from './open.js';
import { reportHtml } from './report/html.js';
import { reportTables } from './report/text.js';
import { requestsOf } from './requests.js';

const scratch = mkdtempSync(join(tmpdir(), 'twotower-truth-'));
let cascade: Cascade;

beforeAll(async () => {
  const options = funnelOptions.parse({
    users: 40,
    items: 60,
    days: 4,
    requestsPerDay: 2,
    cascade: { retrieve: 20, prerank: 12, rank: 8, shown: 5 },
  });
  const { file } = await writeFunnel(join(scratch, 'world'), options);
  await trainRun(
    {
      data: file,
      model: { name: 'dssm', embedding: 4, towers: [8], width: 4 },
      training: { epochs: 1, batchSize: 128, learningRate: 0.01, seed: 1 },
      evaluation: { ks: [5] },
      threads: 1,
    },
    { out: join(scratch, 'run') },
  );
  const said = {
    data: 'world/dataset.yaml',
    retrieve: { run: 'run', items: 30 },
    prerank: { run: 'run', items: 10 },
    rank: { run: 'run', items: 4 },
    evaluation: { ks: [3], timed: 2, sweep: { retrieve: [30], prerank: [10] } },
    threads: 1,
  };
  await writeFile(join(scratch, 'cascade.yaml'), stringify(said));
  cascade = await openCascade(readCascade(join(scratch, 'cascade.yaml')));
}, 120_000);
afterAll(async () => {
  await cascade.release();
  rmSync(scratch, { recursive: true, force: true });
});

test('a generated log tells what each phase loses, in requests with and without a click', async () => {
  const report = await evaluateCascade(cascade);
  const truth = report.truth!;
  const { dataset } = cascade;
  const all = requestsOf(dataset, dataset.splits.test);
  expect(truth.requests).toBe(all.event.length);
  expect(truth.requests).toBeGreaterThan(report.requests.measured);
  expect(truth.places).toBe(4);

  // By hand: the four best of all items at their places.
  const known = await openTruth(dataset.truth!);
  const clicksOf = (q: number, items: readonly string[]) => {
    const { user, time } = dataset.events;
    const asker = dataset.users.keys[user[all.event[q]!]!]!;
    return items.slice(0, 4).map((item) => known.probability(asker, item, time[all.event[q]!]!));
  };
  const looked = (chances: readonly number[]) => chances.reduce((sum, p, place) => sum + p / Math.sqrt(place + 1), 0);
  let oracle = 0;
  let logged = 0;
  all.event.forEach((event, q) => {
    const everything = dataset.items.keys
      .slice(1)
      .map((item) =>
        known.probability(dataset.users.keys[dataset.events.user[event]!]!, item, dataset.events.time[event]!),
      );
    oracle += looked(everything.sort((a, b) => b - a).slice(0, 4));
    logged += looked(
      clicksOf(
        q,
        Array.from(all.shown[q]!, (item) => dataset.items.keys[item]!),
      ),
    );
  });
  expect(truth.oracle.clicks).toBeCloseTo(oracle / truth.requests, 5);
  expect(truth.logged.clicks).toBeCloseTo(logged / truth.requests, 5);
  const lost = truth.stages.reduce((sum, stage) => sum + stage.lost.clicks, truth.lostByOrder);
  expect(lost + truth.final.clicks).toBeCloseTo(truth.oracle.clicks, 12);
  for (const stage of truth.stages) expect(stage.lost.clicks).toBeGreaterThan(0);

  const titles = reportTables(report).map(({ title }) => title);
  expect(titles).toContain('Expected clicks under the truth');
  expect(reportHtml(report)).toContain('what the log&#39;s cascade showed');
  expect(reportHtml(report)).not.toMatch(/NaN|undefined/);
});

test('other logs have no truth', async () => {
  const { truth: _, ...unknown } = cascade.dataset;
  expect(await evaluateCascade({ ...cascade, dataset: unknown })).not.toHaveProperty('truth');
});
