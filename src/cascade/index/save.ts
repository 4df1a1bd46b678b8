import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256, writeFolderAtomic } from '../../files.js';
import { writeSafetensors } from '../../training/safetensors.js';
import type { HnswState } from './link.js';
import { GRAPH_FILE, type IndexManifest, MANIFEST_FILE, VECTORS_FILE } from './manifest.js';
import type { VectorTable } from './vectors.js';

/** Writes an index into a folder that appears whole or not at all. */
export async function saveIndex(
  folder: string,
  table: VectorTable,
  state: { kind: 'exact' } | ({ kind: 'hnsw' } & HnswState),
): Promise<IndexManifest> {
  const { metric, width, rows, count } = table;
  const shared = { format: 1, metric, width, rows, count } as const;
  let manifest: IndexManifest | undefined;
  await writeFolderAtomic(folder, async (temporary) => {
    const vectors = join(temporary, VECTORS_FILE);
    const checksum = await writeSafetensors(vectors, [
      ['vectors', { data: table.data, shape: [rows, width] }],
      ['present', { data: table.present, shape: [rows] }],
    ]);
    const files = { [VECTORS_FILE]: { bytes: (await stat(vectors)).size, sha256: checksum } };
    if (state.kind === 'exact') manifest = { kind: 'exact', ...shared, files };
    else {
      const { settings, length, graph, recall } = state;
      const path = join(temporary, GRAPH_FILE);
      graph.save(path);
      const graphFile = { bytes: (await stat(path)).size, sha256: await sha256(path) };
      manifest = {
        kind: 'hnsw',
        ...shared,
        settings,
        length,
        ...(recall !== undefined && { recall: { ...recall } }),
        files: { ...files, [GRAPH_FILE]: graphFile },
      };
    }
    await writeFile(join(temporary, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  });
  return manifest!;
}
