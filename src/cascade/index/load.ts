import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TwoTowerError } from '../../errors.js';
import { sha256 } from '../../files.js';
import { readSafetensors } from '../../training/safetensors.js';
import { loadEngine } from './engine.js';
import { ExactIndex } from './exact.js';
import { checkGraphFile } from './graph-file.js';
import { HnswIndex } from './hnsw.js';
import { graphWidth } from './lifted.js';
import {
  damagedIndex,
  GRAPH_FILE,
  type IndexManifest,
  indexManifest,
  MANIFEST_FILE,
  VECTORS_FILE,
} from './manifest.js';
import type { RetrievalIndex } from './retrieval-index.js';
import { VectorTable } from './vectors.js';

export interface LoadOptions {
  /** Threads of a search; 0 takes every core. */
  threads?: number;
  /** The caller has compared the files with checksums of its own just now: only their sizes and contents are looked at. */
  verified?: boolean;
}

/**
 * Opens a folder that `save` wrote. Nothing is handed to a library before size and checksum of every file have been compared
 * with the manifest and its content with the rest: a checksum shows damage, not intent.
 *
 * @throws TwoTowerError INDEX_DAMAGED naming the file and what is wrong; INDEX_ENGINE for an approximate index where its
 *   library cannot be loaded
 */
export async function loadIndex(
  folder: string,
  { threads = 0, verified = false }: LoadOptions = {},
): Promise<RetrievalIndex> {
  const manifest = await readManifest(join(folder, MANIFEST_FILE));
  for (const [name, { bytes, sha256: wanted }] of Object.entries(manifest.files)) {
    const path = join(folder, name);
    const size = await stat(path).then(
      (found) => found.size,
      () => undefined,
    );
    if (size === undefined) throw damagedIndex(path, 'the manifest names it, but it cannot be read');
    if (size !== bytes) throw damagedIndex(path, `it has ${size} bytes, the manifest says ${bytes}`);
    if (!verified && (await sha256(path)) !== wanted)
      throw damagedIndex(path, 'its SHA-256 is not the one in the manifest');
  }
  const table = await readTable(join(folder, VECTORS_FILE), manifest);
  if (manifest.kind === 'exact') return new ExactIndex(table, threads);
  const { settings, length, recall } = manifest;
  const engine = await loadEngine();
  const path = join(folder, GRAPH_FILE);
  const width = graphWidth(table.width, table.metric);
  await checkGraphFile(path, {
    width,
    connectivity: settings.connectivity,
    present: table.present,
    count: table.count,
  });
  const graph = engine.create({ width, ...settings });
  graph.load(path);
  return new HnswIndex(table, { settings, length, graph, recall }, threads);
}

async function readManifest(path: string): Promise<IndexManifest> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw damagedIndex(path, (cause as Error).message);
  }
  const parsed = indexManifest.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path: key, message } = parsed.error.issues[0]!;
  throw damagedIndex(path, [...key, message].join(': '));
}

async function readTable(path: string, { metric, width, rows, count }: IndexManifest): Promise<VectorTable> {
  const { tensors } = await readSafetensors(path).catch((cause: unknown) => {
    throw cause instanceof TwoTowerError ? damagedIndex(path, cause.message) : cause;
  });
  const vectors = tensors.get('vectors');
  const present = tensors.get('present');
  const fits =
    tensors.size === 2 &&
    vectors?.data instanceof Float32Array &&
    present?.data instanceof Uint8Array &&
    vectors.shape.join() === [rows, width].join() &&
    present.shape.join() === String(rows);
  if (!fits)
    throw damagedIndex(path, `it does not hold vectors of shape [${rows}, ${width}] and the rows that are present`);
  const values = vectors.data as Float32Array;
  const mask = present.data as Uint8Array;
  const broken = values.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) throw damagedIndex(path, `row ${Math.floor(broken / width)} holds ${values[broken]}`);
  if (!mask.every((value) => value <= 1)) throw damagedIndex(path, 'a row is neither present nor absent');
  const table = VectorTable.adopt(metric, width, values, mask);
  if (table.count !== count) throw damagedIndex(path, `it holds ${table.count} rows, the manifest says ${count}`);
  return table;
}
