import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allItemStates } from '../evaluation/evaluate.js';
import { collect, pass } from './collect.js';
import { readCascade } from './config.js';
import { requestCost } from './cost.js';
import { evaluateCascade } from './evaluate.js';
import { measureGuarantees } from './measure-guarantees.js';
import { type Cascade, openCascade } from './open.js';
import { writeReport } from './report/write.js';
import { requestsOf } from './requests.js';
import { toyCascade } from './testing/toy.js';

let toy: Awaited<ReturnType<typeof toyCascade>>;
let cascade: Cascade;

beforeAll(async () => {
  toy = await toyCascade();
  cascade = await openCascade(readCascade(await toy.write()));
}, 120_000);
afterAll(async () => {
  await cascade.release();
  await toy.remove();
});

describe('pass', () => {
  const sizes = { retrieve: 12, prerank: 5, rank: 3 };

  it('hands on what each run scores highest, as scoring everything by hand does', async () => {
    const { dataset, phases } = cascade;
    const { event } = requestsOf(dataset, dataset.splits.test);
    const events = event.slice(0, 3);
    const passage = await pass(cascade, await collect(cascade, events, 20), sizes);
    const everyItem = Int32Array.from({ length: dataset.items.count - 1 }, (_, i) => i + 1);
    const best = (items: readonly number[], scores: Float32Array, k: number) =>
      items
        .map((item, i) => ({ item, score: scores[i]! }))
        .sort((a, b) => b.score - a.score || a.item - b.item)
        .slice(0, k)
        .map(({ item }) => item);
    for (let q = 0; q < events.length; q++) {
      const one = events.slice(q, q + 1);
      const score = async (phase: 'retrieve' | 'prerank', items: Int32Array) =>
        phases[phase]!.score(await phases[phase]!.users(one), items);
      const retrieved = best([...everyItem], await score('retrieve', everyItem), 12);
      expect([...passage.retrieved.subarray(q * 12, (q + 1) * 12)]).toEqual(retrieved);
      const preranked = best(retrieved, await score('prerank', Int32Array.from(retrieved)), 5);
      expect([...passage.preranked.subarray(q * 5, (q + 1) * 5)]).toEqual(preranked);
      const rank = phases.rank!;
      const logits = await rank.rerank(await rank.users(one), Int32Array.from(preranked));
      expect([...passage.ranked.subarray(q * 5, (q + 1) * 5)]).toEqual(best(preranked, logits, 5));
    }
  });

  it('clips lists to what there is', async () => {
    const { event } = requestsOf(cascade.dataset, cascade.dataset.splits.test);
    const collected = await collect(cascade, event.slice(0, 2), 1000);
    expect(collected.n).toBe(cascade.dataset.items.count - 1);
    const { sizes: got } = await pass(cascade, collected, { retrieve: 1000, prerank: 2000, rank: 3 });
    expect(got).toEqual({ retrieve: collected.n, prerank: collected.n, rank: 3 });
  });
});

describe('a phase', () => {
  it('finds users and items by key in a dataset with other vocabularies', async () => {
    const { dataset, phases } = cascade;
    const own = phases.retrieve;
    // The run was fitted on half of the log, so that its vocabularies are others.
    expect(own.run.record.dataHash).not.toBe(dataset.hash);
    const states = await allItemStates(own.run.inference, dataset);
    const [name] = Object.keys(own.items);
    expect(own.items[name!]!.shape).toEqual(states[name!]!.shape);
    expect([...own.items[name!]!.data]).not.toEqual([...states[name!]!.data]);
  });
});

describe('evaluateCascade', () => {
  it('measures the funnel and writes the report in three forms', async () => {
    const report = await evaluateCascade(cascade);
    const { metrics, sweep, upqeOurs } = report;
    expect(metrics.stages.map(({ phase, items }) => [phase, items])).toEqual([
      ['retrieve', 20],
      ['prerank', 8],
      ['rank', 4],
    ]);
    expect(metrics.stages.reduce((sum, { lost }) => sum + lost, metrics.kept)).toBe(metrics.relevant);
    expect(upqeOurs.retrieval).toBe(metrics.stages[0]!.recall);
    expect(upqeOurs.ranking).toBe(metrics.stages[2]!.ndcg[3]);
    const configured = sweep.find(({ retrieve, prerank }) => retrieve === 20 && prerank === 8)!;
    expect(configured.ndcg).toBe(metrics.stages[2]!.ndcg[3]);
    expect(configured.flops).toBe(report.flops.total);
    expect(report.guarantees).toMatchObject({ retrieved: 20, violations: 0, requests: metrics.requests });
    const again = await evaluateCascade(cascade);
    expect(again.metrics).toEqual(metrics);
    expect(again.sweep).toEqual(sweep);
    expect(again.guarantees).toEqual(report.guarantees);
    expect(report.milliseconds.total.p95).toBeGreaterThanOrEqual(report.milliseconds.total.p50);

    const folder = await mkdtemp(join(tmpdir(), 'twotower-'));
    try {
      await writeReport(report, join(folder, 'report'));
      const read = (name: string) => readFile(join(folder, 'report', name), 'utf8');
      expect(JSON.parse(await read('funnel.json')).metrics.kept).toBe(metrics.kept);
      expect(await read('funnel.md')).toContain('UPQE_ours');
      const html = await read('funnel.html');
      expect(html).toContain('<svg');
      // Nothing is fetched from elsewhere, and nothing failed to become text.
      expect(html).not.toMatch(/(src|href)=|@import|url\(|NaN|undefined|\[object/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('leaves out requests that a run has seen', async () => {
    const validation = { ...cascade, config: readCascade(await toy.write({ evaluation: { part: 'validation' } })) };
    await expect(evaluateCascade(validation)).rejects.toMatchObject({ code: 'DATA_SPLIT' });
  });
});

describe('measureGuarantees', () => {
  it.each([1, 5, 30])('the bounds hold for a trained model that retrieves %i', async (k) => {
    const { event, relevant } = requestsOf(cascade.dataset, cascade.dataset.splits.test, 1e9);
    const found = await measureGuarantees(cascade.phases.rank!, event, relevant, k);
    expect(found.violations).toBe(0);
    expect(found.requests).toBeGreaterThan(10);
    if (k === 1) expect(found.irretrievable).toBeGreaterThan(0.5);
  });
});

describe('requestCost', () => {
  it('grows with the lists and counts one run once', () => {
    const small = requestCost(cascade, { retrieve: 10, prerank: 4, rank: 2 });
    const large = requestCost(cascade, { retrieve: 20, prerank: 8, rank: 2 });
    expect(large.phases.retrieve).toBe(small.phases.retrieve);
    expect(large.phases.prerank!).toBeGreaterThan(small.phases.prerank!);
    expect(large.total).toBe(Object.values(large.phases).reduce((a, b) => a + b, 0));
    const { rank } = cascade.phases;
    const alone = { ...cascade, phases: { retrieve: rank!, rank: rank! } };
    const apart = { ...cascade, phases: { retrieve: cascade.phases.retrieve, rank: rank! } };
    const sizes = { retrieve: 10, prerank: 10, rank: 2 };
    expect(requestCost(alone, sizes).phases.rank!).toBeLessThan(requestCost(apart, sizes).phases.rank!);
  });
});

describe('openCascade', () => {
  it('refuses runs on another log', async () => {
    const other = { ...cascade.dataset, logHash: 'other' };
    const events = { ...other.events, time: other.events.time.map((time) => time + 1) };
    const moved = { ...other, events };
    const loaded = (data: { split?: unknown }) => (data.split === undefined ? moved : undefined);
    await expect(openCascade(readCascade(await toy.write()), { loaded })).rejects.toMatchObject({
      code: 'RUN_INVALID',
      message: expect.stringContaining('event 1 is of'),
    });
  });
});
