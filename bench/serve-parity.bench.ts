import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { TwoTowerClient } from '../src/client/index.js';
import { loadDataset } from '../src/data/load.js';
import { allItemStates, scoreEvents } from '../src/evaluation/evaluate.js';
import { packagePath } from '../src/package-root.js';
import { Random } from '../src/random.js';
import { environment } from '../src/runs/environment.js';
import { openRun } from '../src/runs/open.js';
import { predict } from '../src/runs/predict.js';
import { readConfig } from '../src/runs/read-config.js';
import { trainRun } from '../src/runs/train.js';
import { funnelOptions } from '../src/serving/funnel-log/log.js';
import { serviceOptions } from '../src/serving/http/options.js';
import { publish } from '../src/serving/publish.js';
import { serve } from '../src/serving/serve.js';
import { type Raw, rawRequests } from './raw-requests.js';
import { writeResults } from './results.js';

export const name = 'serve-parity';
export const description =
  'test requests of KuaiRand-Pure through training graph, predict and server, on one and two threads [MODEL] [REQUESTS]';

const CANDIDATES = 10;
/** Requests under way at once. */
const AT_ONCE = 8;

interface Asked {
  user: Raw;
  /** Positions in the list of items; the first is the one that was shown. */
  items: number[];
}

export async function run([model = 'dssm', amount = '10000']: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'twotower-serve-parity-'));
  const dataset = await loadDataset('kuairand-pure');
  const config = readConfig(packagePath('configs', `${model}-kuairand.yaml`), ['training.epochs=1']);
  const { folder: trained } = await trainRun(config, { out: join(folder, 'run'), dataset });
  const reference = await openRun(trained);
  const raw = await rawRequests();
  const random = Random.of(1, 'parity', 'candidates');
  const asked = raw.pairs.slice(0, Number(amount)).map(
    ({ user, item }): Asked => ({
      user: raw.users[user]!,
      // A candidate twice is a tie, which keeps the order of the request.
      items: [item, ...Array.from({ length: CANDIDATES - 1 }, () => random.below(raw.items.length))],
    }),
  );
  const pairs = asked.flatMap(({ items }, user) => items.map((item) => ({ user, item })));
  const predicted = await predict(reference, { users: asked.map(({ user }) => user), items: raw.items, pairs });
  const rows = dataset.splits.test.subarray(0, asked.length);
  const states = await allItemStates(reference.inference, dataset);
  const training = await scoreEvents(reference.inference, dataset, rows, states);
  const shown = training.map((score, i) => Math.abs(score - predicted.logits[i * CANDIDATES]!));
  const gaps: Record<string, number> = { 'training graph, predict': Math.max(...shown) };
  console.log(`${asked.length} requests of ${CANDIDATES} candidates`);
  console.log(`training graph and predict: ${gaps['training graph, predict']!.toExponential(1)}`);
  /** Requests in another order, and by how much the scores differ of items that stand in each other's place. */
  const otherOrders: Record<string, { requests: number; scoresApart: number }> = {};

  const store = join(folder, 'store');
  await publish({ store, phases: [{ phase: 'prerank', run: trained }] });
  for (const workers of [1, 2]) {
    const serving = await serve({
      store,
      service: serviceOptions.parse({ port: 0 }),
      funnel: funnelOptions.parse({}),
      engine: { workers },
      log: pino({ level: 'silent' }),
    });
    const client = new TwoTowerClient({ url: serving.url });
    let gap = 0;
    const others = { requests: 0, scoresApart: 0 };
    let next = 0;
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let at = next++; at < asked.length; at = next++) {
          const { user, items } = asked[at]!;
          const keys = Int32Array.from(items, (item) => Number(raw.items[item]!.video_id));
          const { order, scores } = await client.rankArray(keys, requestOf(user));
          const own = predicted.logits.subarray(at * CANDIDATES, (at + 1) * CANDIDATES);
          const wanted = Array.from(own.keys()).sort((a, b) => own[b]! - own[a]! || a - b);
          order.forEach((candidate, i) => {
            gap = Math.max(gap, Math.abs(scores[i]! - own[candidate]!));
          });
          const apart = Array.from(order, (candidate, i) => Math.abs(own[candidate]! - own[wanted[i]!]!));
          if (order.some((candidate, i) => candidate !== wanted[i])) others.requests++;
          others.scoresApart = Math.max(others.scoresApart, ...apart);
        }
      }),
    );
    await serving.stop();
    gaps[`predict, server with ${workers}`] = gap;
    otherOrders[`server with ${workers}`] = others;
    console.log(
      `predict and server with ${workers} worker${workers > 1 ? 's' : ''}: ${gap.toExponential(1)}, in another order: ${others.requests}, of scores that differ by no more than ${others.scoresApart.toExponential(1)}`,
    );
  }
  await reference.release();
  await rm(folder, { recursive: true });
  await writeResults(`serve-parity-${model}`, {
    model,
    requests: asked.length,
    candidates: CANDIDATES,
    gaps,
    otherOrders,
    dataHash: dataset.hash,
    environment: environment(),
  });
}

/** A raw user as a request to the server: columns, time and histories told, so that nothing depends on what the store knows. */
function requestOf({ histories, tab, time_ms, ...userFields }: Raw) {
  const { clicks } = histories as { clicks: { item: number; time: number }[] };
  return {
    user: userFields.user_id as number,
    userFields: userFields as Record<string, string | number>,
    context: { tab: tab as number, time_ms: time_ms as number },
    time: Number(time_ms) / 1000,
    histories: {
      clicks: clicks.map(({ item, time }) => ({
        item: Number(item),
        // What was before the log has no time.
        ...(Number.isFinite(time) && { time }),
      })),
    },
  };
}
