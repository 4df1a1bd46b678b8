import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { TwoTowerClient } from '../client/client.js';
import { loadDataset } from '../data/load.js';
import { readConfig } from '../runs/read-config.js';
import { TOY_CONFIG } from '../runs/testing/toy.js';
import { trainRun } from '../runs/train.js';
import { exportFunnelLog } from './funnel-log/export.js';
import { funnelOptions } from './funnel-log/log.js';
import { openHost } from './host.js';
import { serviceOptions } from './http/options.js';
import { publish } from './publish.js';
import { SERVER_FOLDERS, type Serving, serve } from './serve.js';
import { TOY_TIMEOUT, type ToyRuns, toyRuns } from './testing/toy-store.js';

let toy: ToyRuns;
let store: string;

beforeAll(async () => {
  toy = await toyRuns('retrieve', 'prerank');
  store = join(toy.folder, 'store');
  await publish({ store, phases: toy.plans });
}, TOY_TIMEOUT);
afterAll(() => toy.remove());

async function serving<T>(work: (client: TwoTowerClient, serving: Serving) => Promise<T>, logShare = 0): Promise<T> {
  const server = await serve({
    store,
    service: serviceOptions.parse({ port: 0 }),
    funnel: funnelOptions.parse({ share: logShare }),
    engine: { workers: 0 },
    pollMs: 0,
    log: pino({ level: 'silent' }),
  });
  try {
    return await work(new TwoTowerClient({ url: server.url, key: server.writeKey! }), server);
  } finally {
    await server.stop();
  }
}

test('over HTTP come the scores and the order of the engine: exactly in frames, to a millionth in JSON', async () => {
  const host = await openHost(store, { workers: 0, pollMs: 0 });
  const candidates = Int32Array.from({ length: 45 }, (_, i) => (i * 7) % 42);
  try {
    await serving(async (client) => {
      for (const phase of ['retrieve', 'prerank'] as const) {
        for (let user = -1; user < 20; user++) {
          const asked = { user, phase, context: { surface: `p${user % 3}` }, time: 1_704_900_000 };
          const wanted = await host.rank({ ...asked, candidates });
          const framed = await client.rankArray(candidates, asked);
          expect(framed.order).toEqual(wanted.order);
          expect(framed.scores).toEqual(wanted.scores);
          const { items, scores } = await client.rank({ ...asked, candidates: [...candidates] });
          expect(items).toEqual(Array.from(wanted.order, (place) => candidates[place]));
          scores.forEach((score, i) => {
            expect(Math.abs(score! - wanted.scores[i]!)).toBeLessThanOrEqual(1e-6);
          });
        }
      }
    });
  } finally {
    await host.close();
  }
});

test('what was changed is served at once, and still after the server was started again', async () => {
  const added = { key: 'fresh', values: { category: 'g1', author: 'a1', tags: 's1,s50' } };
  const isServed = async (client: TwoTowerClient) => {
    const { items } = await client.recommend({ user: 1, filter: { include: ['fresh'] }, k: 1 });
    return items.map(({ item }) => item);
  };
  await serving(async (client) => {
    expect(await isServed(client)).toEqual([]);
    await client.putItems([added]);
    expect(await isServed(client)).toEqual(['fresh']);
    await client.putUsers([{ key: 'guest', values: { age: 20 } }]);
    await client.addEvents([{ user: 'guest', item: 'fresh', feedback: { click: 1 } }]);
    await client.deleteItems([0]);
  });
  await serving(async (client) => {
    expect(await isServed(client)).toEqual(['fresh']);
    expect((await client.user('guest'))?.histories.clicks).toMatchObject([{ item: 'fresh' }]);
    expect(await client.item(0)).toBeUndefined();
    await client.deleteItems(['fresh']);
    await client.deleteUsers(['guest']);
  });
  await serving(async (client) => expect(await isServed(client)).toEqual([]));
});

test('a second server on one store is refused', async () => {
  await serving(async () => {
    await expect(serving(async () => {})).rejects.toMatchObject({ code: 'SERVING_STATE' });
  });
});

test('a folder that is no store is refused', async () => {
  const options = {
    service: serviceOptions.parse({ port: 0 }),
    funnel: funnelOptions.parse({}),
    log: pino({ level: 'silent' }),
  };
  await expect(serve({ store: toy.folder, ...options })).rejects.toMatchObject({ code: 'SERVING_STORE' });
});

test(
  'the loop closes: what was served and clicked becomes a dataset, a run, and the next version',
  async () => {
    const asked = 30;
    const { first, answers } = await serving(async (client, server) => {
      const answers = [];
      for (let i = 0; i < asked; i++) {
        const time = Math.floor(Date.now() / 1000) - 600 + i;
        const answer = await client.recommend({
          user: i % 12,
          k: 4,
          context: { surface: `p${i % 3}` },
          includeSeen: true,
          time,
        });
        const clicked = answer.items[i % 4]!.item;
        await client.addEvents([
          {
            user: i % 12,
            item: clicked,
            time: time + 1,
            feedback: { click: 1, seconds: 7 },
            requestId: answer.requestId,
          },
        ]);
        answers.push({ ...answer, clicked, user: String(i % 12) });
      }
      expect(await server.flushFunnelLog()).toEqual({ requests: 0 });
      expect(await server.flushFunnelLog(Date.now() + 86_400_000)).toEqual({ requests: asked });
      return { first: answers[0]!.version, answers };
    }, 1);

    const out = join(toy.folder, 'funnel');
    const report = await exportFunnelLog({
      log: join(store, SERVER_FOLDERS.funnel),
      like: join(toy.folder, 'data', 'dataset.yaml'),
      out,
    });
    expect(report).toMatchObject({ requests: asked, rows: asked * 20, users: 12 });

    const { events, items, users, stages, shown } = await loadDataset(report.description);
    expect(stages).toEqual(['corpus', 'retrieved', 'preranked', 'ranked', 'shown', 'click']);
    expect(events.count).toBe(asked * 20);
    const byStage = (name: string) => events.stage.filter((stage) => stages[stage] === name).length;
    expect([byStage('retrieved'), byStage('preranked'), byStage('shown'), byStage('click')]).toEqual([
      asked * 10,
      asked * 6,
      asked * 3,
      asked,
    ]);
    const clicks = new Set<string>();
    events.feedback.get('click')!.forEach((value, row) => {
      if (value > 0) clicks.add(`${users.keys[events.user[row]!]} ${items.keys[events.item[row]!]}`);
      if (value > 0) expect(events.stage[row]).toBeGreaterThanOrEqual(shown);
    });
    expect(clicks).toEqual(new Set(answers.map(({ user, clicked }) => `${user} ${clicked}`)));

    const config = join(toy.folder, 'next.yaml');
    const { model } = TOY_CONFIG;
    const training = { epochs: 1, batchSize: 64, objectives: [{ loss: 'bce' }, { loss: 'tier-order' }], lists: {} };
    await writeFile(
      config,
      stringify({ data: report.description, model: { ...model, dropout: 0 }, training, threads: 1 }),
    );
    const { folder } = await trainRun(readConfig(config), { out: join(toy.folder, 'next') });
    await publish({ store, phases: [{ phase: 'retrieve', run: folder, keep: 20 }] });
    await serving(async (client) => {
      const { version, items } = await client.recommend({ user: 1, k: 3 });
      expect(version).not.toBe(first);
      expect(items).toHaveLength(3);
    });
  },
  TOY_TIMEOUT,
);
