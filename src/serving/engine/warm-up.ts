import { setTimeout } from 'node:timers/promises';
import { TwoTowerError } from '../../errors.js';
import type { Engine, Phase, RankRequest, Visitor } from '../contract.js';
import { type AskContext, askRank } from './asking.js';
import type { Job } from './messages.js';
import type { Pool } from './pool.js';
import type { ShortWay } from './short-way.js';

/** Milliseconds for which the calling thread may be busy with one ranking that only measures how long it takes. */
const MEASURED_MS = 0.5;

/**
 * Sends requests through every phase on every lane, so that the first real one is not the slow one, and measures which rankings
 * are soonest done where they are asked for.
 *
 * @throws SERVING_STORE where a phase fails: its scores are not numbers
 */
export async function warmUp(engine: Engine, context: AskContext, pool: Pool, shortWay?: ShortWay): Promise<void> {
  await Promise.all(pool.everyone.map((lane) => lane.ready()));
  const { phases } = context.manifest;
  const { table } = context.catalogue;
  const length = Math.min(table.rows - 1, phases.some(({ parts }) => parts.rerank) ? 100 : 1000);
  const candidates = Array.from({ length }, (_, i) => table.keyOf(i + 1));
  const users = [undefined, context.users.anyone()].filter((user, i) => i === 0 || user !== undefined);
  const refuseFailed = ({ degraded }: { degraded: { phase: Phase; reason: string; detail: string }[] }) => {
    const failed = degraded.find(({ reason }) => reason === 'failed');
    if (failed === undefined) return;
    throw new TwoTowerError(
      'SERVING_STORE',
      `version ${engine.info.id}: ${failed.phase}: ${failed.detail}`,
      'The model has diverged: publish another run.',
    );
  };
  for (let round = 0; round < 2 * pool.lanes.length; round++) {
    for (const user of users) {
      const asker = user === undefined ? {} : { user };
      for (const { phase } of phases) refuseFailed(await engine.rank({ ...asker, phase, candidates }));
      if (phases[0]!.phase === 'retrieve') refuseFailed(await engine.recommend(asker));
    }
  }
  if (shortWay === undefined || length === 0) return;
  for (const { phase, parts } of phases) {
    if (parts.rerank === undefined) await measure(shortWay, context, pool, { phase, candidates });
  }
}

async function measure(shortWay: ShortWay, context: AskContext, pool: Pool, request: RankRequest): Promise<void> {
  const { job } = askRank(context, request, performance.timeOrigin + performance.now());
  const { states } = await pool.run(job);
  const [phase] = job.phases;
  const known: Job = { ...job, phases: [{ ...phase!, user: { state: states[phase!.phase]! } }] };
  const { reports } = await pool.run(known);
  // Requests are answered on this thread meanwhile: each measurement is to be over soon.
  const share = MEASURED_MS / Math.max(MEASURED_MS, reports[0]?.ms ?? 0);
  const measured = known.candidates!.subarray(0, Math.ceil(share * known.candidates!.length));
  await shortWay.measure({ ...known, candidates: measured });
}

/** Milliseconds that a version which is ready may yet spend on users it expects. */
const EXPECTING_MS = 2_000;
/** Between two of them: requests that are answered meanwhile wait for one at most. */
const REST_MS = 2;

/**
 * Computes and keeps the states of users, first ones first, for as long as there is time. Whom this version cannot take as he came to
 * another one is left out.
 */
export async function computeStates(context: AskContext, pool: Pool, visitors: readonly Visitor[]): Promise<void> {
  const begun = performance.now();
  for (const visitor of visitors) {
    if (performance.now() - begun > EXPECTING_MS) return;
    const known = context.manifest.phases.find(({ phase }) => phase === visitor.phase);
    if (known === undefined || known.parts.rerank !== undefined) continue;
    await computeState(context, pool, visitor).catch(() => {});
    await setTimeout(REST_MS);
  }
}

async function computeState(context: AskContext, pool: Pool, visitor: Visitor): Promise<void> {
  const request = { ...visitor, candidates: [] };
  const { job, stateKeys } = askRank(context, request, performance.timeOrigin + performance.now());
  const phases = job.phases.map((phase) => ({ ...phase, budgetMs: undefined }));
  // States are computed where there is something to rank: the item that nobody knows.
  const { states } = await pool.run({ ...job, phases, candidates: new Int32Array(1), k: 1 });
  for (const [phase, key] of stateKeys) {
    const state = states[phase];
    if (state !== undefined) context.states.set(key, state, visitor);
  }
}
