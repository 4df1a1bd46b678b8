import { readdir, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { IndexOptions } from '../cascade/index/build.js';
import type { Dataset } from '../data/dataset.js';
import { type LoadProgress, loadWithReport } from '../data/load.js';
import { objectsBeside } from '../data/stream/options.js';
import { TwoTowerError } from '../errors.js';
import { sha256, writeFolderAtomic } from '../files.js';
import { checkSameData, loadRunData } from '../runs/data.js';
import { type OpenOptions, openRun, type Run } from '../runs/open.js';
import { idColumn } from '../runs/predict.js';
import { writeSafetensors } from '../training/safetensors.js';
import { PHASES } from './contract.js';
import { type PackedTable, RawTable } from './engine/raw-table.js';
import { writeTable } from './engine/table-file.js';
import { FORMAT, type Manifest, type PhaseManifest } from './manifest.js';
import { stagedTable } from './staged-table.js';
import { newVersionId, type Pointer, prepareStore, useVersion, versionFolder } from './store.js';
import { verifyScores } from './verify.js';
import { VERSION_FILES } from './version-files.js';
import { type PhasePlan, writePhase } from './write-phase.js';

export type { PhasePlan };

export interface PublishOptions {
  /** In any order, each phase once. */
  phases: readonly PhasePlan[];
  store: string;
  /** Folder of the data files, if they have moved. */
  data?: string | undefined;
  /** Share of the users that get the version beside the current one, instead of making it current. */
  share?: number | undefined;
  /** How the retrieval index is built, where its defaults do not fit. */
  index?: IndexOptions;
  /** Models besides the registered ones. */
  models?: OpenOptions['models'];
  onProgress?: (progress: LoadProgress) => void;
  warn?: (message: string) => void;
}

export interface Published {
  id: string;
  folder: string;
  manifest: Manifest;
  pointer: Pointer;
  /** Pairs whose scores were compared with those of the runs, and the largest difference. */
  verified: { pairs: number; largestDifference: number };
}

/**
 * Writes a version of a cascade to a store and makes it current. The version appears whole or not at all; it is loaded and its
 * scores are compared with those of the runs before the pointer is moved, atomically: a publication that is killed or fails at
 * any moment leaves what was served before.
 *
 * @throws USAGE, RUN_INVALID, DATA_… of the runs' data, SERVING_VERIFY when scores differ
 */
export async function publish(options: PublishOptions): Promise<Published> {
  const plans = inOrder(options.phases);
  const progress = options.onProgress ?? (() => {});
  const { warn, models } = options;
  const open = { ...(warn && { warn }), ...(models && { models }) };
  const runs: Run[] = [];
  try {
    for (const { run } of plans) runs.push(await openRun(run, open));
    const [first] = runs;
    if (plans[0]!.phase === 'retrieve' && first!.inference.model.retrieval === undefined) {
      warn?.(
        `${first!.folder}: ${first!.config.model.name} cannot retrieve by vectors; every recommendation will score all items. ` +
          'To rank given candidates, or what another run retrieves, name it with --rank',
      );
    }
    await prepareStore(options.store);
    const id = newVersionId();
    const folder = versionFolder(options.store, id);
    let written: { manifest: Manifest; verified: Published['verified'] } | undefined;
    await writeFolderAtomic(folder, async (temporary) => {
      const manifest = await writeVersion(temporary, id, plans, runs, options, progress);
      progress({ stage: 'comparing scores' });
      written = { manifest, verified: await verifyScores(temporary, manifest, runs) };
    });
    const pointer = await useVersion(options.store, id, options.share);
    return { id, folder, ...written!, pointer };
  } finally {
    for (const run of runs) await run.release();
  }
}

function inOrder(plans: readonly PhasePlan[]): PhasePlan[] {
  const ordered = PHASES.flatMap((phase) => plans.filter((plan) => plan.phase === phase));
  if (ordered.length === 0)
    throw new TwoTowerError('USAGE', 'there is no run to publish', 'Name one or more run folders.');
  const twice = ordered.find((plan, i) => ordered[i - 1]?.phase === plan.phase);
  if (twice !== undefined)
    throw new TwoTowerError('USAGE', `two runs are to ${twice.phase}`, 'Name one run for each phase.');
  return ordered;
}

async function writeVersion(
  folder: string,
  id: string,
  plans: readonly PhasePlan[],
  runs: readonly Run[],
  { data, index }: PublishOptions,
  progress: (progress: LoadProgress) => void,
): Promise<Manifest> {
  const { dataset: source, maxBadRows, root, split, stream } = runs[0]!.config.data;
  const at = data ?? root;
  const packed: { items?: PackedTable; users?: PackedTable } = {};
  const { dataset, config } = await loadWithReport(source, {
    maxBadRows,
    ...(at !== undefined && { root: at }),
    ...(split !== undefined && { split }),
    ...objectsBeside(stream),
    onProgress: progress,
    async onStaged(staged) {
      packed.items = await stagedTable(staged, 'item');
      packed.users = await stagedTable(staged, 'user');
    },
  });
  for (const run of runs) await refuseOtherData(run, dataset, at);
  const { items, users } = packed;
  await writeTable(join(folder, VERSION_FILES.items), items!);
  await writeTable(join(folder, VERSION_FILES.users), users!);
  const tables = { items: new RawTable(items!), users: new RawTable(users!) };
  await writeHistories(join(folder, VERSION_FILES.histories), dataset);
  const phases: PhaseManifest[] = [];
  for (const [i, plan] of plans.entries()) {
    phases.push(await writePhase(join(folder, plan.phase), plan, runs[i]!, tables, index, progress));
  }
  const user = idColumn(runs[0]!, 'user');
  const item = idColumn(runs[0]!, 'item');
  const manifest: Manifest = {
    format: FORMAT,
    id,
    created: new Date().toISOString(),
    dataset: dataset.name,
    items: tables.items.size,
    users: tables.users.size,
    keyColumns: { ...(user !== undefined && { user }), ...(item !== undefined && { item }) },
    histories: Object.entries(config.histories).map(([name, { positive, maxLength }]) => ({
      name,
      positive,
      maxLength,
    })),
    phases,
    files: await filesOf(folder),
  };
  await writeFile(join(folder, VERSION_FILES.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/**
 * Users, items and columns must mean the same in every phase, and be those on the disk. Runs that cut the log elsewhere have
 * vocabularies of their own, and fit.
 */
async function refuseOtherData(run: Run, dataset: Dataset, root: string | undefined): Promise<void> {
  const { config, record, folder } = run;
  if (record.dataHash === dataset.hash) return;
  const own = await loadRunData(config, { root });
  checkSameData(folder, record.dataHash, own);
  if (own.logHash === dataset.logHash) return;
  throw new TwoTowerError(
    'RUN_INVALID',
    `${folder} was trained on ${own.name}, another log than ${dataset.name} of the first phase`,
    'Publish runs of one dataset; only the split may differ.',
  );
}

async function writeHistories(file: string, { histories }: Dataset): Promise<void> {
  const tensors = histories.flatMap(({ name, offsets, item, time }) => [
    [`${name}.offsets`, { data: offsets, shape: [offsets.length] }] as const,
    [`${name}.item`, { data: item, shape: [item.length] }] as const,
    [`${name}.time`, { data: time, shape: [time.length] }] as const,
  ]);
  await writeSafetensors(file, tensors);
}

/** Every file below a folder with its size and checksum, as a manifest names them. */
export async function filesOf(folder: string): Promise<Manifest['files']> {
  const files: Manifest['files'] = {};
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path).replaceAll('\\', '/');
    files[name] = { bytes: (await stat(path)).size, sha256: await sha256(path) };
  }
  return Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
}
