import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Dataset } from '../../data/dataset.js';
import { labelsOf } from '../../evaluation/evaluate.js';
import { Random } from '../../random.js';
import type { RunEvent } from '../../runs/events.js';
import { trainRun } from '../../runs/train.js';
import type { Finding } from './finding.js';

/** What a model finds where there is nothing to find. */
export interface PermutedRun {
  auc: number;
  /** Of the AUC of a score that knows nothing (Mann and Whitney, 1947). */
  standardError: number;
  model: string;
  trained: number;
}

/** The same log with what happened dealt out anew among the events: nothing is left to learn. */
export function permuteFeedback(dataset: Dataset, seed: number): Dataset {
  const { events } = dataset;
  const order = Random.of(seed, 'permuted').shuffle(Uint32Array.from({ length: events.count }, (_, row) => row));
  // All columns alike, so that labels which follow from each other still do.
  const feedback = new Map(
    [...events.feedback].map(([name, values]) => [name, Float32Array.from(order, (row) => values[row]!)]),
  );
  return { ...dataset, events: { ...events, feedback } };
}

/**
 * Trains a small ranker for one epoch on permuted labels and measures it on the test part; of a large log on the latest events of
 * each part only. Undefined where the dealt-out test labels are all the same.
 */
export async function permutedRun(
  dataset: Dataset,
  options: { seed?: number; mostEvents?: number; threads?: number; onEvent?: (event: RunEvent) => void } = {},
): Promise<PermutedRun | undefined> {
  const { seed = 1, mostEvents = 200_000, threads = 0, onEvent } = options;
  const latest = (rows: Uint32Array) => rows.subarray(Math.max(0, rows.length - mostEvents));
  const { train, validation, test } = dataset.splits;
  const permuted = {
    ...permuteFeedback(dataset, seed),
    splits: { train: latest(train), validation: latest(validation), test: latest(test) },
  };
  if (new Set(labelsOf(permuted, permuted.splits.test)).size < 2) return undefined;
  // Neither ranks all items, which would take long and show nothing more.
  const attends = dataset.schema.histories.some(({ features }) => features.length > 0);
  const model = attends
    ? { name: 'din', embedding: 8, attention: [16], towers: [32] }
    : { name: 'cold', embedding: 8, layers: [32] };
  const folder = await mkdtemp(join(tmpdir(), 'twotower-audit-'));
  try {
    const { evaluation } = await trainRun(
      {
        data: dataset.name,
        label: dataset.label,
        model,
        training: { epochs: 1, batchSize: 512, seed, validation: { metric: 'logloss' } },
        threads,
      },
      { out: join(folder, 'run'), dataset: permuted, ...(onEvent && { onEvent }) },
    );
    const { metrics, counts } = evaluation.test;
    const { samples, positives } = counts as { samples: number; positives: number };
    const standardError = Math.sqrt((samples + 1) / (12 * positives * (samples - positives)));
    return { auc: metrics.auc!, standardError, model: model.name, trained: permuted.splits.train.length };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Exposures of one user hang together, so that chance reaches further than the standard error says. */
const ALLOWED_ERRORS = 5;

export function judgePermuted(run: PermutedRun | undefined): Finding {
  const check = 'permuted labels' as const;
  if (run === undefined)
    return { check, level: 'ok', says: 'every test exposure has the same label: there is nothing to permute' };
  const { auc, standardError, model, trained } = run;
  const allowed = ALLOWED_ERRORS * standardError;
  const says = `${model} trained on ${trained.toLocaleString('en-US')} events with permuted labels has AUC ${auc.toFixed(4)} on the test part; chance gives 0.5 ± ${allowed.toFixed(4)}`;
  if (Math.abs(auc - 0.5) <= allowed) return { check, level: 'ok', says };
  return {
    check,
    level: 'warning',
    says,
    remedy:
      'Something tells the label of an exposure although there is nothing to learn: report it, with the dataset description.',
  };
}
