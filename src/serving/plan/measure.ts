import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment } from '../../runs/environment.js';
import { type Effort, USUAL_EFFORT } from './effort.js';
import { measureIndex, measureScan } from './kernels.js';
import { type ProbedServer, probe } from './probe.js';
import { PROBE, writeProbeStore } from './probe-store.js';
import type { Rates } from './rates.js';
import { ratesFrom } from './rates-from-probe.js';
import type { Subject } from './subject.js';

export interface MeasureOptions {
  /** Starts the service over a store, in a process of its own. */
  serve(store: string): Promise<ProbedServer>;
  onProgress?: (stage: string) => void;
  effort?: Effort;
}

/**
 * Measures in about a minute what this machine does: serves invented items with the subject's models from a process of its own and asks
 * it, and runs search and index building alone. On a machine that is busy with other things the rates are too low.
 */
export async function measureRates(
  subject: Subject,
  { serve, onProgress = () => {}, effort = USUAL_EFFORT }: MeasureOptions,
): Promise<Rates> {
  const store = await mkdtemp(join(tmpdir(), 'twotower-plan-'));
  try {
    onProgress('writing a store of invented items');
    const { itemMs } = await writeProbeStore(store, subject);
    onProgress('measuring the service');
    const { lightest, names } = phasesOf(subject);
    const server = await serve(store);
    const found = await probe(server, names, lightest, effort).finally(() => server.stop());
    onProgress('measuring the search');
    const retrieval = subject.phases.find(({ phase, cost }) => phase === 'retrieve' && cost.vector !== undefined);
    const { width, vectors } = retrieval?.cost.vector ?? { width: 0, vectors: 0 };
    const scanPerSecond = retrieval && measureScan(width, vectors, retrieval.keep, effort);
    const index = retrieval && (await measureIndex(width, retrieval.keep, effort));
    const cores = availableParallelism();
    return {
      format: 4,
      measured: new Date().toISOString(),
      machine: { ...environment() },
      cores,
      ...ratesFrom(subject, found, { itemMs, items: PROBE.items, scanPerSecond, cores }),
      ...(scanPerSecond !== undefined && { scanPerSecond }),
      ...(index && { index }),
    };
  } finally {
    await rm(store, { recursive: true, force: true });
  }
}

function phasesOf({ phases }: Subject) {
  const byWork = phases.toSorted((a, b) => a.cost.list(1000) - b.cost.list(1000));
  return { names: phases.map(({ phase }) => phase), lightest: byWork[0]!.phase };
}
