import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { columnOf, type DatasetConfig, datasetSchema, fieldsOf } from '../../data/config.js';
import { Database } from '../../data/database.js';
import { identifier, literal } from '../../data/fields/sql.js';
import { TwoTowerError } from '../../errors.js';
import { writeFolderAtomic } from '../../files.js';
import { refuseUsedFolder } from '../../runs/folder.js';
import { parseYaml } from '../../yaml.js';
import { STAGES } from './entry.js';
import { type KnownEntity, PART_FILES } from './part.js';

export interface ExportOptions {
  /** Folder of the funnel log. */
  log: string;
  /** Description of the dataset on which the versions were trained: it says which columns are which features. */
  like: string;
  /** A new folder. */
  out: string;
}

export interface ExportReport {
  description: string;
  requests: number;
  rows: number;
  users: number;
  items: number;
  feedback: string[];
}

/** Names that no log of its own has. */
const REQUEST = 'funnel_request';
const STAGE = 'funnel_stage';
const PREFIX = 'funnel_';

type Description = ReturnType<typeof datasetSchema.parse>;

/**
 * Puts the parts of a funnel log together to a dataset that `train` reads: events.parquet with every item of every sampled
 * request, how far it came and what followed, users and items, and dataset.yaml, which is the description given with other tables.
 *
 * @throws SERVING_STATE where nothing was logged, USAGE where `out` is in use, CONFIG_INVALID
 */
export async function exportFunnelLog({ log, like, out }: ExportOptions): Promise<ExportReport> {
  refuseUsedFolder(out);
  const text = await readFile(like, 'utf8').catch(() => {
    throw new TwoTowerError(
      'USAGE',
      `${like}: there is no such file`,
      'Give the dataset description that was trained on.',
    );
  });
  const description = parseYaml(text, like, datasetSchema) as Description;
  const written = parse(text) as Record<string, unknown>;
  const folder = join(log, 'parts');
  const parts = (await readdir(folder).catch(() => [])).filter((name) => /^\d/.test(name)).sort();
  if (parts.length === 0) {
    throw new TwoTowerError(
      'SERVING_STATE',
      `${folder} holds no part of a funnel log`,
      'Serve with --log-share, and wait until feedback has had its time (--log-window).',
    );
  }
  const db = await Database.open('1GB');
  let report: ExportReport | undefined;
  try {
    await writeFolderAtomic(out, async (temporary) => {
      const feedback = description.feedback.map((one) => (typeof one === 'string' ? one : one.name));
      const files = parts.map((part) => literal(join(folder, part, PART_FILES.events)));
      // A part that was written twice around a crash counts once.
      await db.run(
        `CREATE TABLE rows AS SELECT DISTINCT ON (request_id, item) * FROM read_parquet([${files.join(', ')}]) ORDER BY time, request_id, item`,
      );
      const events = join(temporary, 'events.parquet');
      await db.run(`COPY (${await eventsQuery(db, description, feedback)}) TO ${literal(events)} (FORMAT parquet)`);
      const partFiles = (name: string) => parts.map((part) => join(folder, part, name));
      const users = await readEntities(partFiles(PART_FILES.users), 'first');
      const items = await readEntities(partFiles(PART_FILES.items), 'last');
      const keys = keyNames(description);
      await writeEntities(join(temporary, 'users.jsonl'), keys.user, users);
      await writeEntities(join(temporary, 'items.jsonl'), keys.item, items);
      const seeded = await writeSeeds(temporary, Object.keys(description.histories), users);
      await writeFile(join(temporary, 'dataset.yaml'), stringify(derived(written, description, seeded)));
      const [counts] = await db.rows<{ requests: bigint; rows: bigint }>(
        'SELECT count(DISTINCT request_id) AS requests, count(*) AS rows FROM rows',
      );
      report = {
        description: join(out, 'dataset.yaml'),
        requests: Number(counts!.requests),
        rows: Number(counts!.rows),
        users: users.length,
        items: items.length,
        feedback,
      };
    });
  } finally {
    db.close();
  }
  return report!;
}

/** The columns that the description names, from the JSON in which requests and feedback were kept. */
async function eventsQuery(db: Database, description: Description, feedback: string[]): Promise<string> {
  const { user, item, time } = eventNames(description);
  const taken = new Set([user, item, time]);
  const columns: string[] = [];
  for (const column of contextColumns(description)) {
    if (taken.has(column)) continue;
    taken.add(column);
    const [found] = await db.rows<{ list: boolean | null }>(
      `SELECT bool_or(json_type(context::JSON -> ${literal(column)}) = 'ARRAY') AS list FROM rows`,
    );
    const value = found?.list
      ? `from_json(context::JSON -> ${literal(column)}, '["VARCHAR"]')`
      : `context::JSON ->> ${literal(column)}`;
    columns.push(`${value} AS ${identifier(column)}`);
  }
  for (const name of feedback) {
    if (taken.has(name))
      throw new TwoTowerError(
        'USAGE',
        `the feedback "${name}" has the name of another column`,
        'Rename it in the description.',
      );
    columns.push(`coalesce((feedback::JSON ->> ${literal(name)})::DOUBLE, 0) AS ${identifier(name)}`);
  }
  return `SELECT "user" AS ${identifier(user)}, item AS ${identifier(item)}, time AS ${identifier(time)}, request AS ${REQUEST},
    stage AS ${STAGE}, rank AS ${PREFIX}rank, version AS ${PREFIX}version, score_retrieve AS ${PREFIX}score_retrieve,
    score_prerank AS ${PREFIX}score_prerank, score_rank AS ${PREFIX}score_rank${columns.map((column) => `, ${column}`).join('')}
    FROM rows ORDER BY time, request_id, rank, item`;
}

/** The known users or items, each once: of items what was known last, of users what was known first. */
async function readEntities(files: string[], which: 'first' | 'last'): Promise<KnownEntity[]> {
  const known = new Map<string, KnownEntity>();
  for (const file of files) {
    for (const line of (await readFile(file, 'utf8')).split('\n')) {
      if (line === '') continue;
      const entity = JSON.parse(line) as KnownEntity;
      if (which === 'last' || !known.has(entity.key)) known.set(entity.key, entity);
    }
  }
  return [...known.values()];
}

async function writeEntities(file: string, key: string, entities: KnownEntity[]): Promise<void> {
  await writeFile(file, entities.map((one) => `${JSON.stringify({ ...one.values, [key]: one.key })}\n`).join(''));
}

/** Writes what users had done before the log begins, a file per history. @returns the names of those that are not empty */
async function writeSeeds(folder: string, histories: string[], users: KnownEntity[]): Promise<Set<string>> {
  const seeded = new Set<string>();
  for (const name of histories) {
    const lines = users.flatMap(({ key, histories: known = {} }) => {
      const { items = [], lastTime = null } = known[name] ?? {};
      // Where only the order is known, long before everything.
      return items.length === 0 ? [] : [`${JSON.stringify({ user: key, items, lastTime: lastTime ?? 0 })}\n`];
    });
    if (lines.length === 0) continue;
    await writeFile(join(folder, seedFile(name)), lines.join(''));
    seeded.add(name);
  }
  return seeded;
}

/** The description with the log's tables in place of its own. */
function derived(written: Record<string, unknown>, description: Description, seeded: Set<string>): object {
  const { user, item, time } = eventNames(description);
  const keys = keyNames(description);
  const { root: _, download: __, drop: ___, scores: ____, about: _____, ...kept } = written;
  const histories = Object.entries((written.histories ?? {}) as Record<string, object>).map(([name, history]) => {
    const { seed: ______, ...rest } = history as { seed?: unknown };
    const seed = { path: seedFile(name), key: 'user', items: 'items', lastTime: 'lastTime' };
    return [name, { ...rest, ...(seeded.has(name) && { seed }) }];
  });
  const display = (table: 'users' | 'items') => description.tables[table]?.display ?? [];
  const split = description.split;
  return {
    ...kept,
    name: `${description.name}-funnel`,
    about: `What the cascade considered, showed and heard back; features as in ${description.name}.`,
    tables: {
      events: { path: 'events.parquet' },
      users: { path: 'users.jsonl', key: keys.user, display: display('users') },
      items: { path: 'items.jsonl', key: keys.item, display: display('items') },
    },
    user,
    item,
    time: { column: time, unit: 's', utcOffset: description.time.utcOffset },
    request: REQUEST,
    feedback: description.feedback.map((one) => (typeof one === 'string' ? one : one.name)),
    stages: {
      names: [...STAGES, description.label],
      shown: 'shown',
      column: STAGE,
      feedback: { [description.label]: description.label },
    },
    scores: [`${PREFIX}score_rank`, `${PREFIX}score_prerank`, `${PREFIX}score_retrieve`],
    histories: Object.fromEntries(histories),
    split: 'train' in split ? split : { train: 0.8, validation: 0.1 },
  };
}

function eventNames({ user, item, time }: Description) {
  return { user: columnOf(user), item: columnOf(item), time: time.column };
}

function keyNames(description: Description) {
  const { user, item } = eventNames(description);
  return { user: description.tables.users?.key ?? user, item: description.tables.items?.key ?? item };
}

/** Columns of the events that the context's features read. */
function contextColumns(description: Description): string[] {
  const context = fieldsOf(description as DatasetConfig).filter(({ owner }) => owner === 'context');
  return context.map(({ column }) => column);
}

function seedFile(history: string): string {
  return `history-${history.replace(/[^\w-]/g, '_')}.jsonl`;
}
