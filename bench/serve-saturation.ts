import { openEngine } from '../src/serving/engine/engine.js';
import { listVersions, versionFolder } from '../src/serving/store.js';
import { type Shot, saturated } from './serve-load.js';
import { compiled, type Server, serve, start } from './serve-process.js';
import { rankCandidates, rankShots } from './serve-shots.js';
import { logOf, rankStore, SMALL } from './serve-stores.js';

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

interface Rate {
  perSecond: number;
  /** Milliseconds of processor time in the server: what remains of a measurement where others use the machine too. */
  cpuMs: number;
}

async function rateOf(server: Server, shots: readonly Shot[]): Promise<Rate> {
  const seconds = 3;
  const before = await server.cpu();
  const perSecond = await saturated(server.url, shots, 8, seconds);
  return { perSecond, cpuMs: (1000 * ((await server.cpu()) - before)) / (perSecond * seconds) };
}

/**
 * Milliseconds of processor time that the engine alone takes for such a ranking, on one thread: what a server of bytes has no
 * part of. `scoring` is the model with the gathering of its candidates and the sorting.
 */
async function engineAlone(store: string, phase: 'retrieve' | 'prerank') {
  const [version] = await listVersions(store);
  const engine = await openEngine(versionFolder(store, version!), { workers: 0 });
  const candidates = rankCandidates(1_000, SMALL);
  const rounds: { cpuMs: number; scoring: number }[] = [];
  for (let round = 0; round < 31; round++) {
    const before = process.cpuUsage();
    let scoring = 0;
    for (const [i, keys] of candidates.entries()) {
      const asked = { user: i * 13, phase, context: { surface: `p${i % 3}` }, candidates: keys };
      scoring += (await engine.rank(asked)).phases[0]!.ms;
    }
    const { user, system } = process.cpuUsage(before);
    rounds.push({ cpuMs: (user + system) / 1000 / candidates.length, scoring: scoring / candidates.length });
  }
  await engine.close();
  // The first one compiles and fills the cache of user states.
  return {
    cpuMs: median(rounds.slice(1).map((one) => one.cpuMs)),
    scoring: median(rounds.slice(1).map((one) => one.scoring)),
  };
}

/** The three share their seconds round by round, so that what else the machine does falls on all of them. */
export async function saturation(folder: string) {
  const data = await logOf(folder, SMALL);
  const { store, phase } = await rankStore(folder, data, 'dssm');
  const [server, peer] = [await serve(store), await start(compiled('serve-peer.js'))];
  const rounds: Record<'json' | 'frame' | 'peer', Rate>[] = [];
  try {
    const [json, frame] = [rankShots(1_000, SMALL, 'json', phase), rankShots(1_000, SMALL, 'frame', phase)];
    for (let round = 0; round < 6; round++) {
      const rates = {
        json: await rateOf(server, json),
        peer: await rateOf(peer, json),
        frame: await rateOf(server, frame),
      };
      // The first one compiles.
      if (round > 0) rounds.push(rates);
    }
  } finally {
    await Promise.all([server.stop(), peer.stop()]);
  }
  const typical = (who: 'json' | 'frame' | 'peer', what: keyof Rate) => median(rounds.map((one) => one[who][what]));
  const both = (who: 'json' | 'frame' | 'peer') => ({
    perSecond: typical(who, 'perSecond'),
    cpuMs: typical(who, 'cpuMs'),
  });
  const result = {
    engine: await engineAlone(store, 'retrieve'),
    json: both('json'),
    frame: both('frame'),
    peer: both('peer'),
    jsonToPeer: median(rounds.map((one) => one.json.perSecond / one.peer.perSecond)),
    frameToJson: median(rounds.map((one) => one.frame.perSecond / one.json.perSecond)),
  };
  console.log('rank 1000, 8 connections', result);
  return { ...result, rounds };
}
