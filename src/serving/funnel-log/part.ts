import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Database } from '../../data/database.js';
import { literal } from '../../data/fields/sql.js';
import { writeFolderAtomic } from '../../files.js';
import type { FunnelRow } from './entry.js';

/** An item or a user as it was when it first appeared, in a form that says all there is. */
export interface KnownEntity {
  key: string;
  values: Record<string, unknown>;
  /** Of users: earlier items by the name of the history, oldest first, and the time of the last. */
  histories?: Record<string, { items: string[]; lastTime: number | null }>;
}

/** Files of a part, and how its rows are typed. */
export const PART_FILES = { events: 'events.parquet', items: 'items.jsonl', users: 'users.jsonl' } as const;

const COLUMNS: Record<keyof FunnelRow, string> = {
  request: 'BIGINT',
  request_id: 'VARCHAR',
  version: 'VARCHAR',
  user: 'VARCHAR',
  item: 'VARCHAR',
  time: 'DOUBLE',
  stage: 'VARCHAR',
  rank: 'INTEGER',
  score_retrieve: 'FLOAT',
  score_prerank: 'FLOAT',
  score_rank: 'FLOAT',
  context: 'VARCHAR',
  feedback: 'VARCHAR',
};

export interface Part {
  rows: Iterable<FunnelRow> | AsyncIterable<FunnelRow>;
  items: Iterable<KnownEntity>;
  users: Iterable<KnownEntity>;
}

/** Writes a part folder, whole or not at all: the rows as Parquet, items and users as JSON Lines. */
export async function writePart(folder: string, { rows, items, users }: Part): Promise<void> {
  await writeFolderAtomic(folder, async (temporary) => {
    const lines = join(temporary, 'rows.jsonl');
    await writeLines(lines, rows);
    await writeLines(join(temporary, PART_FILES.items), items);
    await writeLines(join(temporary, PART_FILES.users), users);
    const db = await Database.open('256MB');
    try {
      // Requests are being answered meanwhile.
      await db.run('SET threads = 1');
      const columns = Object.entries(COLUMNS).map(([name, type]) => `${name}: '${type}'`);
      await db.run(
        `COPY (SELECT * FROM read_json(${literal(lines)}, format='newline_delimited', columns={${columns.join(', ')}}))
         TO ${literal(join(temporary, PART_FILES.events))} (FORMAT parquet, COMPRESSION zstd)`,
      );
    } finally {
      db.close();
    }
    await rm(lines);
  });
}

async function writeLines(file: string, values: Iterable<object> | AsyncIterable<object>): Promise<void> {
  async function* lines() {
    let text = '';
    for await (const value of values) {
      text += `${JSON.stringify(value)}\n`;
      if (text.length < 1 << 16) continue;
      yield text;
      text = '';
      // Between blocks the server answers.
      await new Promise(setImmediate);
    }
    yield text;
  }
  await pipeline(Readable.from(lines()), createWriteStream(file));
}
