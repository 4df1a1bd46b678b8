import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { TOY_CONFIG, toyFolder } from '../../runs/testing/toy.js';

/** A folder with the toy log and a leaderboard of two small models on it. The caller removes it. */
export async function toyLeaderboard() {
  const toy = await toyFolder();
  await writeFile(
    join(toy.folder, 'small.yaml'),
    stringify({
      ...TOY_CONFIG,
      data: 'elsewhere.yaml',
      training: { ...TOY_CONFIG.training, epochs: 1, objectives: [{ loss: 'bce' }], negatives: undefined },
    }),
  );
  const table = {
    protocol: {
      name: 'toy/click',
      dataset: 'data/dataset.yaml',
      metrics: ['auc', 'logloss', 'recall@5'],
      validation: 'auc',
    },
    models: { small: 'small.yaml', wide: { config: 'small.yaml', set: ['model.width=8'] } },
    slices: ['context.surface'],
  };
  /** Writes the leaderboard with some keys of the file and of its table set otherwise. */
  const write = async (
    keys: Record<string, unknown> = {},
    tableKeys: Record<string, unknown> = {},
  ): Promise<string> => {
    const file = join(toy.folder, 'board.yaml');
    const usual = { seeds: [1, 2], resamples: 200, threads: 1 };
    await writeFile(file, stringify({ ...usual, tables: [{ ...table, ...tableKeys }], ...keys }));
    return file;
  };
  return { ...toy, out: join(toy.folder, 'out'), protocol: table.protocol, write };
}
