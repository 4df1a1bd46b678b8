import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EncoderState } from '../../data/dataset.js';
import { shared } from '../../data/share.js';
import { TwoTowerError } from '../../errors.js';
import type { Schema } from '../../schema.js';
import { readSafetensors } from '../../training/safetensors.js';
import { compileScore } from '../kernel/compile-score.js';
import type { CompiledScore } from '../kernel/compiled-score.js';
import { type Manifest, type PhaseManifest, readManifest, verifyFiles } from '../manifest.js';
import { readTable } from '../tables.js';
import { VERSION_FILES } from '../version-files.js';
import { type PackedEncoders, packEncoders } from './encoding.js';
import { readStates, type SharedStates, scoresByProduct } from './item-states.js';
import { type PackedTable, rowsOf } from './raw-table.js';
import type { BaseHistory } from './user-store.js';

export interface PhaseData {
  manifest: PhaseManifest;
  folder: string;
  schema: Schema;
  encoders: PackedEncoders;
  states: SharedStates;
  /** The score part as one function, where it can be. */
  score?: CompiledScore | undefined;
}

/** A version folder in memory: plain data, whatever grows with items, users or events in memory that all threads see. */
export interface VersionData {
  manifest: Manifest;
  items: PackedTable;
  users: PackedTable;
  histories: Map<string, BaseHistory>;
  phases: PhaseData[];
}

/** Reads a version, every file checked against its checksum. @throws SERVING_STORE naming the file */
export async function readVersion(folder: string): Promise<VersionData> {
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
      offsets: shared(Uint32Array.from(tensor<Int32Array>('offsets'))),
      item: shared(tensor<Int32Array>('item')),
      time: shared(tensor<Float64Array>('time')),
    });
  }
  const phases: PhaseData[] = [];
  for (const phase of manifest.phases) {
    const own = join(folder, phase.phase);
    const json = async <T>(name: string) => JSON.parse(await readFile(join(own, name), 'utf8')) as T;
    const states = await readStates(join(own, VERSION_FILES.states), rowsOf(items));
    phases.push({
      manifest: phase,
      folder: own,
      schema: await json<Schema>(VERSION_FILES.schema),
      encoders: packEncoders(await json<EncoderState>(VERSION_FILES.encoders)),
      states,
      score: scoresByProduct(phase, states)
        ? undefined
        : compileScore(await readFile(join(own, phase.parts.score.file)), phase.parts.score, states),
    });
  }
  return { manifest, items, users, histories, phases };
}
