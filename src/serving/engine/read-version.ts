import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RowCodes } from '../../cascade/index/row-codes.js';
import type { EncoderState } from '../../data/dataset.js';
import { TwoTowerError } from '../../errors.js';
import type { Schema } from '../../schema.js';
import { readSafetensors } from '../../training/safetensors.js';
import type { CompiledScore } from '../kernel/compiled-score.js';
import type { Manifest, PartManifest, PhaseManifest } from '../manifest.js';
import { verifyFiles } from '../verify-files.js';
import { VERSION_FILES } from '../version-files.js';
import {
  copyVector,
  isSearchedExactly,
  readStates,
  type SharedStates,
  scoresByProduct,
  vectorsOf,
} from './item-states.js';
import { type PackedEncoders, packEncoders } from './packed-encoders.js';
import { type PackedTable, rowsOf } from './raw-table.js';
import { readTable } from './table-file.js';
import type { BaseHistory } from './user-store.js';

export interface PhaseData {
  manifest: PhaseManifest;
  folder: string;
  schema: Schema;
  encoders: PackedEncoders;
  states: SharedStates;
  /** The score part as one function, where it can be. */
  score?: CompiledScore | undefined;
  /** Of the item vectors, where all are searched: made once, and where it is in nobody's way. */
  codes?: RowCodes | undefined;
}

/** A version folder in memory: plain data, whatever grows with items, users or events in memory that all threads see. */
export interface VersionData {
  manifest: Manifest;
  items: PackedTable;
  users: PackedTable;
  histories: Map<string, BaseHistory>;
  phases: PhaseData[];
}

/**
 * Reads what a manifest names, every file checked against its checksum. What this takes of other modules is loaded anew by every
 * thread that reads a version: little of it, and nothing large.
 *
 * @throws SERVING_STORE naming the file
 */
export async function readVersion(folder: string, manifest: Manifest): Promise<VersionData> {
  await verifyFiles(folder, manifest);
  const items = await readTable(join(folder, VERSION_FILES.items));
  const users = await readTable(join(folder, VERSION_FILES.users));
  const { tensors } = await readSafetensors(join(folder, VERSION_FILES.histories), { shared: true });
  const histories = new Map<string, BaseHistory>();
  for (const { name } of manifest.histories) {
    const tensor = <T>(part: string) => {
      const found = tensors.get(`${name}.${part}`);
      if (found === undefined)
        throw new TwoTowerError('SERVING_STORE', `${folder}: there is no history "${name}"`, 'Publish again.');
      return found.data as T;
    };
    histories.set(name, {
      offsets: tensor<Uint32Array>('offsets'),
      item: tensor<Int32Array>('item'),
      time: tensor<Float64Array>('time'),
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
      score: scoresByProduct(phase, states) ? undefined : await compiled(own, phase.parts.score, states),
      codes: isSearchedExactly(phase) ? await encoded(phase, states, rowsOf(items)) : undefined,
    });
  }
  return { manifest, items, users, histories, phases };
}

async function compiled(folder: string, part: PartManifest, states: SharedStates): Promise<CompiledScore | undefined> {
  const { compileScore } = await import('../kernel/compile-score.js');
  return compileScore(await readFile(join(folder, part.file)), part, states);
}

async function encoded(
  { retrieval }: PhaseManifest,
  states: SharedStates,
  rows: number,
): Promise<RowCodes | undefined> {
  const { encodeRows } = await import('../../cascade/index/row-codes.js');
  const vectors = vectorsOf(states, `item.${retrieval!.item}`);
  try {
    return encodeRows(vectors.width, rows, (row, into) => copyVector(vectors, row, into));
  } catch (error) {
    // More than memory holds in one piece is searched without codes.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
