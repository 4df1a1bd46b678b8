import { expect, test } from 'vitest';
import type { Lane } from './lane.js';
import type { Job, JobResult } from './messages.js';
import { Pool } from './pool.js';
import type { ShortWay } from './short-way.js';

/** A lane whose jobs end when they are told to. */
function lane() {
  const started: string[] = [];
  const ends: (() => void)[] = [];
  let closed = false;
  const run = (job: Job) =>
    new Promise<JobResult>((resolve) => {
      started.push((job as unknown as { name: string }).name);
      ends.push(() => resolve(job as unknown as JobResult));
    });
  const close = async () => {
    closed = true;
  };
  return { lane: { run, close } as unknown as Lane, started, end: () => ends.shift()!(), isClosed: () => closed };
}

const job = (name: string) => ({ name }) as unknown as Job;
const tick = () => new Promise((resolve) => setImmediate(resolve));

test('jobs start in their order, wait in a bounded queue, and one more is refused', async () => {
  const { lane: only, started, end } = lane();
  const pool = new Pool([only], 2);
  const done = ['a', 'b', 'c', 'd'].map((name) => pool.run(job(name)));
  expect([started, pool.queued, pool.running]).toEqual([['a', 'b'], 2, 2]);
  await expect(pool.run(job('e'))).rejects.toMatchObject({ code: 'SERVING_OVERLOADED' });
  end();
  await done[0];
  await tick();
  expect([started, pool.queued]).toEqual([['a', 'b', 'c'], 1]);
  for (let i = 0; i < 3; i++) {
    end();
    await tick();
  }
  await Promise.all(done);
  expect([started, pool.running, pool.queued]).toEqual([['a', 'b', 'c', 'd'], 0, 0]);
});

test('what nobody waits for any more is not begun, and makes room in the queue', async () => {
  const { lane: only, started, end } = lane();
  const pool = new Pool([only], 2);
  const wanted = { c: true, d: true };
  for (const name of ['a', 'b']) void pool.run(job(name));
  const [c, d] = (['c', 'd'] as const).map((name) => pool.run(job(name), () => wanted[name]));
  wanted.c = false;
  void pool.run(job('e'));
  await expect(c).rejects.toThrow('nobody waits');
  expect(pool.queued).toBe(2);
  wanted.d = false;
  end();
  await expect(d).rejects.toThrow('nobody waits');
  await tick();
  expect([started, pool.queued, pool.asked]).toEqual([['a', 'b', 'e'], 0, 5]);
});

test('what is done sooner than handed over does not wait, and neither does its closing forget it', async () => {
  const [only, here] = [lane(), lane()];
  const takes = (asked: Job) => (asked as unknown as { name: string }).name === 'short';
  const way = { lane: here.lane, takes, run: here.lane.run };
  const pool = new Pool([only.lane], 0, way as unknown as ShortWay);
  for (const name of ['a', 'b']) void pool.run(job(name));
  const short = pool.run(job('short'));
  await expect(pool.run(job('long'))).rejects.toMatchObject({ code: 'SERVING_OVERLOADED' });
  expect([only.started, here.started, pool.oldest]).toEqual([['a', 'b'], ['short'], 0]);
  only.end();
  only.end();
  const closing = pool.close();
  await tick();
  expect([pool.oldest, here.isClosed()]).toEqual([2, false]);
  here.end();
  await Promise.all([short, closing]);
  expect(here.isClosed()).toBe(true);
});

test('the freest lane gets the next job', () => {
  const [one, two] = [lane(), lane()];
  const pool = new Pool([one.lane, two.lane], 2);
  for (const name of ['a', 'b', 'c', 'd', 'e']) void pool.run(job(name));
  expect([one.started, two.started, pool.queued]).toEqual([['a', 'c'], ['b', 'd'], 1]);
});

test('the oldest job under way is known', async () => {
  const { lane: only, end } = lane();
  const pool = new Pool([only], 4);
  const [a, b] = [pool.run(job('a')), pool.run(job('b'))];
  expect([pool.oldest, pool.asked]).toEqual([0, 2]);
  end();
  await a;
  expect(pool.oldest).toBe(1);
  end();
  await b;
  expect(pool.oldest).toBe(2);
});

test('closing refuses what is new and waits for what is under way', async () => {
  const { lane: only, end, isClosed } = lane();
  const pool = new Pool([only], 4);
  const jobs = ['a', 'b', 'c'].map((name) => pool.run(job(name)));
  const closing = pool.close();
  await expect(pool.run(job('d'))).rejects.toMatchObject({ code: 'SERVING_CLOSED' });
  for (let i = 0; i < 3; i++) {
    expect(isClosed()).toBe(false);
    end();
    await tick();
  }
  await Promise.all([...jobs, closing]);
  expect(isClosed()).toBe(true);
});
