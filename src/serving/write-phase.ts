import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildIndex, type IndexOptions } from '../cascade/index/build.js';
import { Featurizer } from '../data/featurizer.js';
import type { LoadProgress } from '../data/load.js';
import { exportModel } from '../runs/export.js';
import { RUN_FILES } from '../runs/folder.js';
import type { Run } from '../runs/open.js';
import { concatStates, type HostState } from '../training/inference.js';
import { writeSafetensors } from '../training/safetensors.js';
import type { Phase } from './contract.js';
import type { RawTable } from './engine/raw-table.js';
import type { PartManifest, PhaseManifest } from './manifest.js';
import { spread } from './verify.js';
import { VERSION_FILES } from './version-files.js';

/** Items a phase hands on unless said otherwise. */
export const DEFAULT_KEEP: Record<Phase, number> = { retrieve: 500, prerank: 100, rank: 20 };

export interface PhasePlan {
  phase: Phase;
  /** Run folder. */
  run: string;
  keep?: number;
  /** Milliseconds a request may spend in the phase; no limit unless given. */
  budgetMs?: number;
}

/** Items encoded at once. */
const BLOCK = 4096;
/** Users whose vectors an index is measured with. */
const INDEX_QUERIES = 256;

/** Writes the folder of one phase: models, encoders, item states, and the index where it retrieves. */
export async function writePhase(
  folder: string,
  { phase, keep, budgetMs }: PhasePlan,
  run: Run,
  tables: { items: RawTable; users: RawTable },
  indexOptions: IndexOptions | undefined,
  progress: (progress: LoadProgress) => void,
): Promise<PhaseManifest> {
  const { items } = tables;
  const { inference, schema, encoders, config, record, model, step } = run;
  const { parts } = await exportModel(inference, schema, config, record, folder);
  await writeFile(join(folder, VERSION_FILES.schema), `${JSON.stringify(schema, null, 2)}\n`);
  await writeFile(join(folder, VERSION_FILES.encoders), `${JSON.stringify(encoders)}\n`);

  const featurizer = Featurizer.fromState(schema, encoders);
  const count = items.rows;
  const blocks: HostState[] = [];
  for (let from = 0; from < count; from += BLOCK) {
    progress({ stage: `encoding items to ${phase}`, done: from, total: count });
    const rows = Array.from({ length: Math.min(BLOCK, count - from) }, (_, i) => items.values(from + i));
    blocks.push(await inference.items(featurizer.encodeItems(rows)));
  }
  const states = concatStates(blocks);
  await writeSafetensors(join(folder, VERSION_FILES.states), Object.entries(states));
  const index =
    phase === 'retrieve'
      ? await writeIndex(
          join(folder, VERSION_FILES.index),
          run,
          keep ?? DEFAULT_KEEP.retrieve,
          states,
          tables.users,
          indexOptions,
          progress,
        )
      : undefined;
  const { dataset, dataHash, label, seed } = record;
  const { item, user, score, rerank } = Object.fromEntries(
    Object.entries(parts).map(([name, { file, inputs, outputs }]) => [name, { file, inputs, outputs } as PartManifest]),
  );
  return {
    phase,
    model: config.model.name,
    run: { dataset, dataHash, label, seed, step },
    keep: keep ?? DEFAULT_KEEP[phase],
    ...(budgetMs !== undefined && { budgetMs }),
    ...(model.retrieval && { retrieval: model.retrieval }),
    ...(index && { index }),
    parts: { item: item!, user: user!, score: score!, ...(rerank && { rerank }) },
    metrics: await metricsOf(run.folder),
  };
}

/** Writes an index where one pays; its recall is measured with the vectors of some users. */
async function writeIndex(
  folder: string,
  { model, inference, featurizer }: Run,
  keep: number,
  states: HostState,
  users: RawTable,
  options: IndexOptions | undefined,
  progress: (progress: LoadProgress) => void,
): Promise<PhaseManifest['index']> {
  if (model.retrieval === undefined) return undefined;
  const vectors = states[`item.${model.retrieval.item}`]!;
  const asked = spread(users.rows, INDEX_QUERIES).map((row) => users.values(row));
  const state = await inference.users(featurizer().encodeUsers({ users: asked }));
  const { data, shape } = state[`user.${model.retrieval.user}`]!;
  const index = await buildIndex(
    { data: vectors.data as Float32Array, shape: vectors.shape },
    // Measured at the length of the lists it will give: at another length it would look at too many rows, or at too few.
    { threads: 1, recall: { at: keep }, ...options },
    {
      // The unknown item is never recommended.
      present: new Uint8Array(vectors.shape[0]!).fill(1, 1),
      queries: { data: data as Float32Array, shape },
      onProgress: ({ stage, done, total }) =>
        progress({ stage: stage === 'link' ? 'building the index' : 'measuring the index', done, total }),
    },
  );
  try {
    if (index.kind === 'exact') return undefined;
    const { recall } = (await index.save(folder)) as { recall?: { value: number } };
    return recall === undefined ? {} : { recall: recall.value };
  } finally {
    await index.release();
  }
}

/** What the run measured on its test part; nothing where it was stopped before. */
async function metricsOf(run: string): Promise<Record<string, number>> {
  const text = await readFile(join(run, RUN_FILES.evaluation), 'utf8').catch(() => undefined);
  if (text === undefined) return {};
  const { test } = JSON.parse(text) as { test: { metrics: Record<string, number | null> } };
  return Object.fromEntries(
    Object.entries(test.metrics).filter((entry): entry is [string, number] => entry[1] !== null),
  );
}
