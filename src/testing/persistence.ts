import { readConfig } from '../runs/read-config.js';
import type { ParameterStore } from '../training/parameter-store.js';
import { readSafetensors, writeSafetensors } from '../training/safetensors.js';

export const saveStore = (file: string, store: ParameterStore): Promise<string> =>
  writeSafetensors(file, store.arrays());

/** Fills the store with what the file holds, which must be exactly its arrays. */
export async function loadStore(file: string, store: ParameterStore): Promise<void> {
  const { tensors } = await readSafetensors(file);
  const arrays = store.arrays();
  if ([...tensors.keys()].sort().join() !== [...arrays.keys()].sort().join()) throw new Error('other arrays');
  for (const [name, { data }] of arrays) data.set(tensors.get(name)!.data as Float32Array);
}

/** A training configuration, read as the commands read it. */
export const readExample = readConfig;
