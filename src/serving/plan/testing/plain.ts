import type { Rates } from '../rates.js';
import { CONSTANT } from '../spread.js';
import type { CostSheet, Subject, SubjectPhase } from '../subject.js';

const sheet = (over: Partial<CostSheet>): CostSheet => ({
  item: 1_000,
  user: 2_000,
  list: (candidates) => 100 * candidates,
  stateBytes: 40,
  vector: undefined,
  weightBytes: 1_000_000,
  servingBytesPerItem: 0,
  trainingBytesPerItem: 0,
  rerank: false,
  ...over,
});

const phase = (name: SubjectPhase['phase'], keep: number, cost: CostSheet): SubjectPhase => ({
  phase: name,
  model: `plain-${name}`,
  fingerprint: name,
  keep,
  schema: { user: [], item: [], context: [], histories: [] },
  encoders: { version: 1, fields: [], vocabularies: {} },
  retrieval: undefined,
  cost,
  writeModel: async () => {},
});

/** A cascade whose costs are round numbers. */
export function plainCascade(): Subject {
  return {
    origin: 'plain',
    items: 10_000,
    itemsFrom: 'invented',
    phases: [
      phase('retrieve', 500, sheet({ vector: { width: 10, vectors: 1 } })),
      phase('rank', 20, sheet({ list: (candidates) => 1_000 * candidates, stateBytes: 60 })),
    ],
    release: async () => {},
  };
}

/** Threads that never stand still, and wake at once. */
const plainKind = { workerMs: 0, serviceWakingMs: 0, workerWakingMs: 0, stallMs: 0, stallShare: 0 };

/** A machine of round numbers, too: a million FLOPs are a millisecond. */
export function plainRates(over: Partial<Rates> = {}): Rates {
  const model = (name: string) => ({
    model: `plain-${name}`,
    fingerprint: name,
    itemFlopsPerSecond: 1e9,
    userFlopsPerSecond: 1e9,
    encodeMs: 0.1,
    listFixedMs: 0.05,
    listFlopsPerSecond: 1e9,
  });
  return {
    format: 4,
    measured: '2026-01-01T00:00:00.000Z',
    machine: { memoryGiB: 8, cpu: 'plain' },
    cores: 4,
    service: {
      rank: { ...plainKind, fixedMs: 0.5, perEachMs: 0.001 },
      recommend: { ...plainKind, fixedMs: 0.6, perEachMs: 0.01 },
      handoffMs: 0.2,
      handoffMsPerByte: 0.00001,
      workerHandoffMs: 0.1,
      serviceSpread: [...CONSTANT],
      workerSpread: [...CONSTANT],
      fixedBytes: 1000,
      bytesPerCandidate: 20,
      bytesPerItem: 50,
      memoryBytes: 100e6,
    },
    models: { retrieve: model('retrieve'), rank: model('rank') },
    scanPerSecond: 1e9,
    index: { rows: 1024, linkMsPerRow: 0.1, searchMs: 0.5, farFactor: 2 },
    ...over,
  };
}
