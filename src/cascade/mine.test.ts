import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCandidates } from '../data/candidates.js';
import { trainRun } from '../runs/train.js';
import { readCascade } from './config.js';
import { mineCandidates } from './mine.js';
import { type Cascade, openCascade } from './open.js';
import { retrieve } from './retrieve.js';
import { toyCascade } from './testing/toy.js';

let toy: Awaited<ReturnType<typeof toyCascade>>;
let cascade: Cascade;

/** Retrieval and teacher saw the earlier half of the log, pre-ranking all of the training part. */
const cascadeOf = (mine: Record<string, unknown>) =>
  toy.write({ rank: { run: 'runs/retrieve', items: 4 }, mine: { items: 5, ...mine } });
const mineWith = async (mine: Record<string, unknown>, name: string) => {
  const file = join(toy.folder, name);
  const report = await mineCandidates({ ...cascade, config: readCascade(await cascadeOf(mine)) }, file);
  return { file, report, candidates: await readCandidates(file, cascade.dataset) };
};

beforeAll(async () => {
  toy = await toyCascade(['retrieve', 'prerank']);
  cascade = await openCascade(readCascade(await cascadeOf({})));
}, 120_000);
afterAll(async () => {
  await cascade.release();
  await toy.remove();
});

describe('mineCandidates', () => {
  it('mines only requests later than everything the run saw', async () => {
    const { report, candidates } = await mineWith({}, 'all.parquet');
    const { time } = cascade.dataset.events;
    // Half of the log is the run's training and validation part.
    const until = time.filter((moment) => moment < time[Math.round(0.5 * time.length)]!).at(-1)!;
    expect(report.seenUntil).toBe(until);
    expect(report.requests.seen).toBeGreaterThan(100);
    expect(report.requests.mined + report.requests.seen).toBe(report.requests.total);
    expect(new Set(candidates.event).size).toBe(report.requests.mined);
    expect(Math.min(...Array.from(candidates.event, (row) => time[row]!))).toBeGreaterThan(until);
    expect(candidates.event.length).toBe(report.candidates);
    expect(report.candidates).toBe(5 * report.requests.mined);
    const training = new Set(cascade.dataset.splits.train);
    expect([...candidates.event].every((event) => training.has(event))).toBe(true);
  });

  it('writes what retrieval finds, its rank, and the logit of the teacher', async () => {
    const { phases, dataset } = cascade;
    const { candidates } = await mineWith({ pick: 'best' }, 'best.parquet');
    const event = candidates.event[0]!;
    const users = await phases.retrieve.users(Uint32Array.of(event));
    const found = await retrieve(phases.retrieve, users, 5);
    expect([...candidates.item.subarray(0, 5)]).toEqual([...found.items]);
    expect([...candidates.rank.subarray(0, 5)]).toEqual([0, 1, 2, 3, 4]);
    const logits = await phases.rank!.score(users, found.items);
    logits.forEach((logit, i) => {
      expect(candidates.teacher[i]).toBeCloseTo(logit, 5);
    });
    expect(dataset.stages[candidates.stage[0]!]).toBe('candidate');
  });

  it('draws evenly from what was retrieved, the same for the same seed', async () => {
    const [a, b, c] = [
      await mineWith({ seed: 3 }, 'a.parquet'),
      await mineWith({ seed: 3 }, 'b.parquet'),
      await mineWith({ seed: 4 }, 'c.parquet'),
    ].map(({ candidates }) => candidates);
    expect(a!.item).toEqual(b!.item);
    expect(a!.item).not.toEqual(c!.item);
    const times = new Array(20).fill(0);
    for (const rank of a!.rank) times[rank]++;
    const expected = a!.rank.length / 20;
    // Six deviations of a binomial with p = 1/4 of the requests.
    for (const count of times) expect(Math.abs(count - expected)).toBeLessThan(6 * Math.sqrt(expected * 0.75));
  });

  it('does not let a run that saw the requests say what survives', async () => {
    await expect(mineWith({ survivors: 2 }, 'none.parquet')).rejects.toMatchObject({ code: 'DATA_SPLIT' });
    expect(existsSync(join(toy.folder, 'none.parquet'))).toBe(false);
    const early = { ...cascade, phases: { ...cascade.phases, prerank: cascade.phases.retrieve } };
    early.seenUntil = { ...cascade.seenUntil, prerank: cascade.seenUntil.retrieve };
    const config = readCascade(await cascadeOf({ survivors: 2 }));
    const file = join(toy.folder, 'survivors.parquet');
    const report = await mineCandidates({ ...early, config }, file);
    expect(report.candidates).toBe(7 * report.requests.mined);
    // One and the same run: what survives is the best of what was retrieved.
    const { rank, event } = await readCandidates(file, cascade.dataset);
    const own = [...rank].filter((_, row) => event[row] === event[0]);
    expect(own.slice(0, 2)).toEqual([0, 1]);
    expect(new Set(own).size).toBe(7);
  });

  it('leaves out teacher scores of requests that the teacher saw', async () => {
    const taught = { ...cascade, seenUntil: { ...cascade.seenUntil, rank: Number.POSITIVE_INFINITY } };
    const file = join(toy.folder, 'untaught.parquet');
    const report = await mineCandidates(taught, file);
    expect(report.untaught).toBe(report.requests.mined);
    expect([...(await readCandidates(file, cascade.dataset)).teacher].every(Number.isNaN)).toBe(true);
  });

  it('refuses a stage that candidates cannot have', async () => {
    await expect(mineWith({ stage: 'shown' }, 'shown.parquet')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('feeds full-stage training', async () => {
    const { file } = await mineWith({}, 'train.parquet');
    const training = {
      ...toy.common.training,
      batchSize: 32,
      lists: { candidates: 3, randoms: 2, candidateFile: file },
    };
    const model = { name: 'dssm', embedding: 4, towers: [8], width: 4 };
    const { folder } = await trainRun(
      { ...toy.common, data: toy.data, model, training },
      { out: toy.run('full-stage') },
    );
    expect(existsSync(join(folder, 'evaluation.json'))).toBe(true);
  });
});
