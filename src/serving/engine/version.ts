import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EncoderState } from '../../data/dataset.js';
import { TwoTowerError } from '../../errors.js';
import type { Schema } from '../../schema.js';
import { readSafetensors } from '../../training/safetensors.js';
import type { VersionInfo } from '../contract.js';
import { type Manifest, type PhaseManifest, readManifest, VERSION_FILES, verifyFiles } from '../manifest.js';
import { readTable } from '../tables.js';
import { readStates, type SharedStates } from './item-states.js';
import type { RawTable } from './raw-table.js';
import type { BaseHistory } from './user-store.js';

export interface LoadedPhase {
  manifest: PhaseManifest;
  folder: string;
  schema: Schema;
  encoders: EncoderState;
  states: SharedStates;
}

/** A version folder in memory. */
export interface LoadedVersion {
  manifest: Manifest;
  items: RawTable;
  users: RawTable;
  histories: Map<string, BaseHistory>;
  phases: LoadedPhase[];
}

/** Reads a version, every file checked against its checksum. @throws SERVING_STORE naming the file */
export async function loadVersion(folder: string): Promise<LoadedVersion> {
  const manifest = await readManifest(folder);
  await verifyFiles(folder, manifest);
  const items = await readTable(join(folder, VERSION_FILES.items));
  const users = await readTable(join(folder, VERSION_FILES.users));
  const { tensors } = await readSafetensors(join(folder, VERSION_FILES.histories));
  const histories = new Map<string, BaseHistory>();
  for (const { name } of manifest.histories) {
    const tensor = <T>(part: string) => {
      const found = tensors.get(`${name}.${part}`);
      if (found === undefined)
        throw new TwoTowerError('SERVING_STORE', `${folder}: there is no history "${name}"`, 'Publish again.');
      return found.data as T;
    };
    histories.set(name, {
      offsets: Uint32Array.from(tensor<Int32Array>('offsets')),
      item: tensor<Int32Array>('item'),
      time: tensor<Float64Array>('time'),
    });
  }
  const phases: LoadedPhase[] = [];
  for (const phase of manifest.phases) {
    const own = join(folder, phase.phase);
    const json = async (name: string) => JSON.parse(await readFile(join(own, name), 'utf8'));
    phases.push({
      manifest: phase,
      folder: own,
      schema: await json(VERSION_FILES.schema),
      encoders: await json(VERSION_FILES.encoders),
      states: await readStates(join(own, VERSION_FILES.states), items.keys.length),
    });
  }
  return { manifest, items, users, histories, phases };
}

/** What a loaded version is, for whoever asks. */
export function infoOf({ manifest, items, users, phases }: LoadedVersion): VersionInfo {
  const contexts = phases.flatMap(({ encoders }) => encoders.fields.filter(({ owner }) => owner === 'context'));
  return {
    id: manifest.id,
    created: manifest.created,
    dataset: manifest.dataset,
    phases: manifest.phases.map(({ phase, model, keep, budgetMs, parts, metrics }) => ({
      phase,
      model,
      keep,
      budgetMs,
      rerank: parts.rerank !== undefined,
      metrics,
    })),
    items: manifest.items,
    users: manifest.users,
    itemColumns: items.columnNames,
    userColumns: users.columnNames,
    contextColumns: [...new Set(contexts.map(({ column }) => column))],
    histories: manifest.histories,
  };
}
