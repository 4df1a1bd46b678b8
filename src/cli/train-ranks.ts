import { setTimeout as wait } from 'node:timers/promises';
import type { Ranks } from '../distributed/ranks.js';
import type { RunConfig } from '../runs/config.js';
import { followRun } from '../runs/together.js';
import type { RunResult } from '../runs/train.js';
import { GRACE, reportFailure } from './failure.js';
import type { Output } from './output.js';

/** What is trained, and where. */
interface Plan {
  config: RunConfig;
  out: string;
}

/**
 * Trains as one of several ranks. The first one reads the configuration, tells of everything and writes the run; the others
 * follow. Whatever ends one of them ends all, with one error.
 *
 * @returns on the first rank
 */
export async function trainOnRanks(
  ranks: Ranks,
  output: Output,
  plan: () => Promise<Plan>,
  lead: (plan: Plan) => Promise<RunResult>,
): Promise<RunResult | undefined> {
  try {
    const result = await (ranks.rank === 0 ? leading(ranks, plan, lead) : following(ranks));
    await ranks.leave();
    return result;
  } catch (error) {
    // What fails everywhere is told by the first rank, whose end is the end of all.
    if (ranks.rank > 0) {
      await wait(GRACE);
      output.note(`rank ${ranks.rank} of ${ranks.size}:`);
    }
    return ranks.abort(reportFailure(error, output));
  }
}

async function leading(
  ranks: Ranks,
  plan: () => Promise<Plan>,
  lead: (plan: Plan) => Promise<RunResult>,
): Promise<RunResult> {
  const chosen = await plan();
  await ranks.broadcast(new TextEncoder().encode(JSON.stringify(chosen)));
  return lead(chosen);
}

async function following(ranks: Ranks): Promise<undefined> {
  // mpirun passes signals on to all: the first rank decides when to stop.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  const { config, out }: Plan = JSON.parse(new TextDecoder().decode(await ranks.broadcast()));
  await followRun(config, { ranks, out });
  return undefined;
}
