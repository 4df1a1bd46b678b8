import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256, writeFolderAtomic } from '../files.js';
import type { Schema } from '../schema.js';
import type { Inference } from '../training/inference.js';
import { compilePart } from '../training/serving-graph.js';
import type { RunConfig } from './config.js';
import { type RunRecord, refuseUsedFolder } from './folder.js';
import type { Run } from './open.js';

interface TensorDescription {
  name: string;
  dtype: string;
  shape: readonly (string | number)[];
}

/** What `manifest.json` beside the ONNX files says. */
export interface ModelManifest extends RunRecord {
  format: 1;
  model: RunConfig['model'];
  schema: Schema;
  parts: Record<string, { file: string; sha256: string; inputs: TensorDescription[]; outputs: TensorDescription[] }>;
}

/**
 * Writes item.onnx, user.onnx, score.onnx (and rerank.onnx) with the current parameter values, and a manifest; the folder
 * appears whole or not at all.
 */
export async function exportModel(
  inference: Inference,
  schema: Schema,
  config: RunConfig,
  record: RunRecord,
  folder: string,
): Promise<ModelManifest> {
  const { parts } = inference;
  const names = (['item', 'user', 'score', 'rerank'] as const).filter((name) => parts[name] !== undefined);
  const manifest: ModelManifest = { format: 1, ...record, model: config.model, schema, parts: {} };
  await writeFolderAtomic(folder, async (temporary) => {
    for (const name of names) {
      const file = `${name}.onnx`;
      const { onnx, inputs, outputs } = compilePart(name, parts, {
        embed: (parameter) => inference.value(parameter),
        metadata: { model: config.model.name, dataHash: record.dataHash, seed: String(record.seed) },
      });
      await writeFile(join(temporary, file), onnx);
      manifest.parts[name] = { file, sha256: await sha256(join(temporary, file)), inputs, outputs };
    }
    await writeFile(join(temporary, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  });
  return manifest;
}

/** Exports a run with the parameters it was opened with: see {@link exportModel}. @throws USAGE when the folder is in use */
export async function exportRun({ inference, schema, config, record }: Run, folder: string): Promise<ModelManifest> {
  refuseUsedFolder(folder);
  return exportModel(inference, schema, config, record, folder);
}
