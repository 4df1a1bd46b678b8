import type { VersionInfo } from '../contract.js';
import { readManifest } from '../manifest.js';
import { readInThread } from './loading.js';
import { RawTable } from './raw-table.js';
import { readVersion, type VersionData } from './read-version.js';
import type { WorkerEntry } from './threads.js';

/** A version folder in memory. */
export interface LoadedVersion extends Omit<VersionData, 'items' | 'users'> {
  items: RawTable;
  users: RawTable;
  /** Never read: see `ballastOf`. */
  ballast: ArrayBuffer;
}

/**
 * Reads a version, every file checked against its checksum.
 *
 * @param thread the code of the thread that reads it; without one the calling thread does
 * @param beside whether requests are answered meanwhile, which go first
 * @throws SERVING_STORE naming the file
 */
export async function loadVersion(folder: string, thread?: WorkerEntry, beside?: boolean): Promise<LoadedVersion> {
  // Here, where the code that checks it is loaded anyway.
  const manifest = await readManifest(folder);
  const data = await (thread === undefined
    ? readVersion(folder, manifest)
    : readInThread(folder, manifest, thread, { beside }));
  return {
    ...data,
    items: new RawTable(data.items),
    users: new RawTable(data.users),
    ballast: ballastOf(data),
  };
}

/** Bytes above which a version is collected soon enough. */
const MOST_BALLAST = 128 << 20;

/**
 * V8 does not count shared memory: versions that were swapped out would wait in it until something else calls for a collection,
 * one behind the other (measured, 60 of 32 MiB: 1.5 GB). An array of the same size is counted, and takes no memory itself as nothing
 * is ever written to it.
 */
function ballastOf(data: VersionData): ArrayBuffer {
  return new ArrayBuffer(Math.min(MOST_BALLAST, sharedBytes(data)));
}

function sharedBytes(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (ArrayBuffer.isView(value)) return sharedBytes(value.buffer);
  if (value instanceof SharedArrayBuffer) return value.byteLength;
  const parts = value instanceof Map ? [...value.values()] : Object.values(value);
  return parts.reduce((sum: number, part) => sum + sharedBytes(part), 0);
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
