import { existsSync, statSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readCascade } from '../../cascade/config.js';
import type { EncoderState } from '../../data/dataset.js';
import { TwoTowerError } from '../../errors.js';
import { MODELS } from '../../models/index.js';
import { modelOf, type RunConfig } from '../../runs/config.js';
import { exportModel, type ModelManifest } from '../../runs/export.js';
import { holdsRun, type RunRecord } from '../../runs/folder.js';
import { openRun, type Run } from '../../runs/open.js';
import type { Schema } from '../../schema.js';
import { buildServingParts } from '../../training/serving-graph.js';
import { PHASES, type Phase } from '../contract.js';
import { type PhaseManifest, readManifest } from '../manifest.js';
import { readPointer, versionFolder } from '../store.js';
import { VERSION_FILES } from '../version-files.js';
import { DEFAULT_KEEP } from '../write-phase.js';
import { costSheet, fingerprintOf, ownIdRows, type Subject, type SubjectPhase } from './subject.js';

/**
 * Opens what is to be planned: a run folder, a cascade (YAML) or a store, of which the current version is taken.
 *
 * @throws USAGE where the path is none of them; RUN_INVALID, CONFIG_…, SERVING_STORE where it is damaged
 */
export async function openSubject(path: string, warn: (message: string) => void = () => {}): Promise<Subject> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    throw new TwoTowerError('USAGE', `${path} does not exist`, 'Give a run folder, a cascade (YAML) or a store.');
  }
  if (found.isFile()) {
    const cascade = readCascade(path);
    const plans = PHASES.flatMap((phase) => {
      const stage = cascade[phase];
      return stage === undefined ? [] : [{ phase, run: stage.run, keep: stage.items }];
    });
    return ofRuns(path, plans, warn);
  }
  if (holdsRun(path)) return ofRuns(path, [{ phase: undefined, run: path }], warn);
  if (existsSync(join(path, 'versions'))) return ofStore(path);
  throw new TwoTowerError(
    'USAGE',
    `${path} is neither a run folder nor a store`,
    'Give the folder that twotower train or twotower publish wrote, or a cascade (YAML).',
  );
}

async function ofRuns(
  origin: string,
  plans: readonly { phase: Phase | undefined; run: string; keep?: number }[],
  warn: (message: string) => void,
): Promise<Subject> {
  const runs: Run[] = [];
  const release = async () => {
    for (const run of runs.splice(0)) await run.release();
  };
  try {
    const phases: SubjectPhase[] = [];
    const catalogues: { items: number; itemsFrom: string }[] = [];
    for (const { phase: named, run: folder, keep } of plans) {
      const run = await openRun(folder, { warn });
      runs.push(run);
      const { config, schema, encoders, record, model, inference } = run;
      catalogues.push(catalogueOf(record, schema));
      const phase = named ?? (model.retrieval === undefined ? 'rank' : 'retrieve');
      phases.push({
        phase,
        model: config.model.name,
        fingerprint: fingerprintOf(config.model, schema),
        keep: keep ?? DEFAULT_KEEP[phase],
        schema,
        encoders,
        retrieval: model.retrieval,
        cost: costSheet(inference.parts, schema, model.retrieval),
        writeModel: async (folder) => void (await exportModel(inference, schema, config, record, folder)),
      });
    }
    const { items, itemsFrom } = catalogues.reduce((most, one) => (one.items > most.items ? one : most));
    return { origin, phases, items, itemsFrom, release };
  } catch (error) {
    await release();
    throw error;
  }
}

/** How many items a run can be asked about: what its data had, or where its record does not say so, what its training saw. */
function catalogueOf({ items }: RunRecord, schema: Schema): { items: number; itemsFrom: string } {
  return items === undefined
    ? {
        items: Math.max(1, ownIdRows(schema) - 1),
        itemsFrom: 'those that training saw: an older run, which does not say more',
      }
    : { items: Math.max(1, items), itemsFrom: 'the catalogue it was trained with' };
}

async function ofStore(store: string): Promise<Subject> {
  const pointer = await readPointer(store);
  if (pointer === undefined) {
    throw new TwoTowerError(
      'SERVING_STORE',
      `${store} has no current version`,
      `Publish one: twotower publish RUN --to ${store}`,
    );
  }
  const folder = versionFolder(store, pointer.current);
  const manifest = await readManifest(folder);
  const phases: SubjectPhase[] = [];
  for (const phase of manifest.phases) phases.push(await publishedPhase(join(folder, phase.phase), phase));
  return {
    origin: `${store}, version ${manifest.id}`,
    phases,
    items: Math.max(1, manifest.items),
    itemsFrom: 'the catalogue of the version',
    release: async () => {},
  };
}

async function publishedPhase(folder: string, { phase, keep, retrieval }: PhaseManifest): Promise<SubjectPhase> {
  const json = async (name: string) => {
    const file = join(folder, name);
    try {
      return JSON.parse(await readFile(file, 'utf8'));
    } catch (error) {
      throw new TwoTowerError(
        'SERVING_STORE',
        `${file} is missing or damaged: ${(error as Error).message}`,
        'Publish the runs again: twotower publish.',
      );
    }
  };
  const { model, schema } = (await json(VERSION_FILES.manifest)) as ModelManifest;
  const { definition, options } = modelOf({ model } as RunConfig, MODELS);
  const parts = buildServingParts(definition.create(schema, options), schema);
  return {
    phase,
    model: model.name,
    fingerprint: fingerprintOf(model, schema),
    keep,
    schema,
    encoders: (await json(VERSION_FILES.encoders)) as EncoderState,
    retrieval,
    cost: costSheet(parts, schema, retrieval),
    // What is as long as the catalogue stays behind.
    writeModel: (target) =>
      cp(folder, target, {
        recursive: true,
        filter: (path) => path === folder || !/(items\.safetensors|index)$/.test(path),
      }),
  };
}
