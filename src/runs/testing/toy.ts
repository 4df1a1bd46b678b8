import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeGeneratedLog } from '../../data/generate-log.js';
import type { RunInput } from '../config.js';
import { readRecords } from '../records.js';

/** A configuration in which everything random takes part: shuffling, dropout, id dropout, sampled negatives. */
export const TOY_CONFIG = {
  data: 'data/dataset.yaml',
  model: { name: 'dssm', embedding: 4, towers: [8], width: 4, dropout: 0.2 },
  training: {
    epochs: 3,
    batchSize: 128,
    learningRate: 0.01,
    idDropout: 0.05,
    objectives: [{ loss: 'bce' }, { loss: 'in-batch-softmax', weight: 0.1 }],
    negatives: { perBatch: 8 },
    validation: { patience: 5 },
    checkpointEvery: 3,
    seed: 7,
  },
  evaluation: { ks: [5] },
  threads: 1,
} satisfies RunInput;

/** Writes a small log as CSV with its description to `data/`, and `config.yaml` beside it; returns the configuration's path. */
export async function writeToy(folder: string, events = 1500): Promise<string> {
  await writeGeneratedLog(join(folder, 'data'), { events, users: 60, items: 40, days: 10, format: 'csv' });
  const file = join(folder, 'config.yaml');
  await writeFile(file, stringify(TOY_CONFIG));
  return file;
}

/** A folder with the toy in it; without `parent` a new one, which the caller removes. */
export async function toyFolder(parent?: string) {
  const folder = parent ?? (await mkdtemp(join(tmpdir(), 'twotower-')));
  const config = await writeToy(folder);
  return { folder, config, remove: () => rm(folder, { recursive: true, force: true }) };
}

/**
 * Requests for event rows of the toy as a client would send them, gathered from the CSV files alone: the user's columns, those
 * of the context, and every earlier click.
 */
export async function toyRequests(folder: string, rows: Uint32Array) {
  const [users, items, events] = await Promise.all(
    ['users', 'items', 'events'].map((name) => readRecords(join(folder, `data/${name}.csv`))),
  );
  const clicks = events!.filter((event) => event.click === '1');
  const requests = Array.from(rows, (row) => {
    const { user_id, surface, time } = events![row]!;
    const past = clicks
      .filter((event) => event.user_id === user_id && Number(event.time) < Number(time))
      .map((event) => ({ item: items![Number(event.item_id)]!, time: Number(event.time) }));
    return { ...users![Number(user_id)]!, surface, time, histories: { clicks: past } };
  });
  return { users: requests, items: items!, itemRows: Array.from(rows, (row) => Number(events![row]!.item_id)) };
}
