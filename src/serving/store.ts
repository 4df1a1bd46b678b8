import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { didYouMean, TwoTowerError } from '../errors.js';
import { removeAbandoned, writeFileAtomic } from '../files.js';
import { type Manifest, readManifest } from './manifest.js';

/**
 * A store:
 *
 *     current.json     which version is served; moved atomically
 *     versions/ID/     one folder per version, whole or not there
 */
export const POINTER = 'current.json';
export const VERSIONS = 'versions';
/** Versions that a rollback can reach. */
const REMEMBERED = 20;

const pointerSchema = z.strictObject({
  format: z.literal(1),
  current: z.string(),
  /** A second version, for a share of the users. */
  trial: z.strictObject({ version: z.string(), share: z.number().gt(0).lt(1) }).optional(),
  /** The versions that were current before, the latest last. */
  previous: z.array(z.string()),
});

/** What a store serves. */
export type Pointer = z.output<typeof pointerSchema>;

export function versionFolder(store: string, id: string): string {
  return join(store, VERSIONS, id);
}

/** A new id: ids sort by the time they were made. */
export function newVersionId(now = new Date()): string {
  const stamp = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${stamp}-${randomBytes(3).toString('hex')}`;
}

/** Makes the store's folders and removes what publications that were killed have left. */
export async function prepareStore(store: string): Promise<void> {
  const versions = join(store, VERSIONS);
  await mkdir(versions, { recursive: true });
  await removeAbandoned(versions);
}

/** The store's pointer; undefined where nothing was made current yet. @throws SERVING_STORE where it is no store or the pointer is damaged */
export async function readPointer(store: string): Promise<Pointer | undefined> {
  if (!existsSync(join(store, VERSIONS))) {
    throw new TwoTowerError(
      'SERVING_STORE',
      `${store} is no store: it has no folder ${VERSIONS}`,
      'Publish a run there with: twotower publish RUN --to STORE.',
    );
  }
  const file = join(store, POINTER);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  return parsePointer(text, file);
}

/** @param file where the text is from, for messages @throws SERVING_STORE where it is damaged */
export function parsePointer(text: string, file: string): Pointer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = pointerSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TwoTowerError(
    'SERVING_STORE',
    `${file} is damaged`,
    'Choose a version with: twotower publish --use VERSION --to STORE.',
  );
}

/** The text of the file that holds a pointer. */
export function pointerText(pointer: Pointer): string {
  return `${JSON.stringify(pointer, null, 2)}\n`;
}

/** Ids of the versions, oldest first. */
export async function listVersions(store: string): Promise<string[]> {
  const entries = await readdir(join(store, VERSIONS), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
}

/**
 * Makes a version current, or with a `share` gives it that part of the users beside the current one.
 *
 * @throws USAGE where there is no such version, SERVING_STORE where its manifest cannot be read
 */
export async function useVersion(store: string, id: string, share?: number): Promise<Pointer> {
  const pointer = await pointerOrNone(store);
  refuseUnknown(store, id, await listVersions(store));
  await readManifest(versionFolder(store, id));
  return writePointer(store, used(pointer, id, share));
}

/** Ends a trial if there is one; otherwise makes the version current that was so before. @throws USAGE where there is none */
export async function rollBack(store: string): Promise<Pointer> {
  return writePointer(store, rolledBack(store, await readPointer(store), await listVersions(store)));
}

/** @throws USAGE where a store has no such version */
export function refuseUnknown(store: string, id: string, versions: readonly string[]): void {
  if (versions.includes(id)) return;
  throw new TwoTowerError('USAGE', `${store} has no version "${id}"`, didYouMean(id, versions));
}

/** The pointer after a version was made current or given a share. @throws USAGE for a share that cannot be */
export function used(pointer: Pointer | undefined, id: string, share?: number): Pointer {
  if (share === undefined || pointer === undefined) return next(pointer, id);
  if (!(share > 0 && share < 1))
    throw new TwoTowerError('USAGE', `the share is ${share}`, 'Give a number above 0 and below 1.');
  if (id === pointer.current) {
    throw new TwoTowerError(
      'USAGE',
      `version ${id} is the current one`,
      'Only another version can have a share beside it.',
    );
  }
  return { ...pointer, trial: { version: id, share } };
}

/** The pointer after a roll-back. @throws USAGE where there is nothing to go back to */
export function rolledBack(store: string, pointer: Pointer | undefined, versions: readonly string[]): Pointer {
  if (pointer?.trial !== undefined) {
    const { trial: _, ...rest } = pointer;
    return rest;
  }
  const before = pointer?.previous.filter((id) => versions.includes(id)) ?? [];
  const id = before.at(-1);
  if (id === undefined) {
    throw new TwoTowerError(
      'USAGE',
      `${store} has no version before the current one`,
      `List them with: twotower publish --list --to ${store}.`,
    );
  }
  return { format: 1, current: id, previous: before.slice(0, -1) };
}

export interface StoredVersion {
  id: string;
  /** Undefined where the folder is damaged. */
  manifest: Manifest | undefined;
  /** Share of the users, 0 where the version is not served. */
  share: number;
}

/** Every version of a store, oldest first. */
export async function describeStore(store: string): Promise<StoredVersion[]> {
  const pointer = await readPointer(store);
  const versions = await listVersions(store);
  return Promise.all(
    versions.map(async (id) => ({
      id,
      manifest: await readManifest(versionFolder(store, id)).catch(() => undefined),
      share: sharesOf(pointer).find(({ version }) => version === id)?.share ?? 0,
    })),
  );
}

/** The versions a pointer serves, the current one first; their shares sum to 1. */
export function sharesOf(pointer: Pointer | undefined): { version: string; share: number }[] {
  if (pointer === undefined) return [];
  const { current, trial } = pointer;
  if (trial === undefined) return [{ version: current, share: 1 }];
  return [{ version: current, share: 1 - trial.share }, trial];
}

function next(pointer: Pointer | undefined, id: string): Pointer {
  if (pointer === undefined) return { format: 1, current: id, previous: [] };
  const previous = pointer.current === id ? pointer.previous : [...pointer.previous, pointer.current];
  return { format: 1, current: id, previous: previous.slice(-REMEMBERED) };
}

/** A damaged pointer must not stand in the way of choosing anew. */
async function pointerOrNone(store: string): Promise<Pointer | undefined> {
  try {
    return await readPointer(store);
  } catch (error) {
    if (existsSync(join(store, VERSIONS)) && error instanceof TwoTowerError) return undefined;
    throw error;
  }
}

/** Moves a store's pointer, atomically. */
export async function writePointer(store: string, pointer: Pointer): Promise<Pointer> {
  await writeFileAtomic(join(store, POINTER), pointerText(pointer));
  return pointer;
}
