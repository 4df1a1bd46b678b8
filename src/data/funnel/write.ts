import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { parseDocument } from 'yaml';
import { TwoTowerError } from '../../errors.js';
import { writeFolderAtomic } from '../../files.js';
import { packagePath } from '../../package-root.js';
import { Database } from '../database.js';
import { LOGGED_STAGES, loggedRequests } from './log.js';
import { DAY, type FunnelOptions, START } from './options.js';
import { FACETS, WIDTH } from './truth.js';
import { TRUTH_FILES } from './truth-files.js';
import { drawWorld, type World } from './world.js';
import { copyTable, type WrittenColumn, writeTable } from './write-table.js';

/** What a generated log holds. */
export interface FunnelSummary {
  /** The dataset description. */
  file: string;
  requests: number;
  /** Events that were shown, that were clicked, and that were considered and not shown. */
  shown: number;
  clicks: number;
  unshown: number;
}

/** Requests between two chances for others to do something, such as to stop the process. */
const BREATH = 256;
/** Fewer cannot be cut into parts. */
const FEWEST = 20;

/**
 * Writes a generated world as a dataset: `dataset.yaml`, `users.parquet`, `items.parquet`, `events.parquet`, and in `truth/` what no model may
 * see. The folder appears whole or not at all. Memory grows with users and items, not with events.
 *
 * @throws CONFIG_INVALID where hardly anybody asks for anything
 */
export async function writeFunnel(
  folder: string,
  options: FunnelOptions,
  onProgress: (done: number) => void = () => {},
): Promise<FunnelSummary> {
  const world = drawWorld(options);
  const summary: FunnelSummary = { file: join(folder, 'dataset.yaml'), requests: 0, shown: 0, clicks: 0, unshown: 0 };
  const db = await Database.open('512MB');
  try {
    await writeFolderAtomic(folder, async (temporary) => {
      await writeEvents(db, join(temporary, 'events.parquet'), world, summary, onProgress);
      await writeTable(db, join(temporary, 'users.parquet'), options.users, userColumns(world));
      await writeTable(db, join(temporary, 'items.parquet'), options.items, itemColumns(world));
      await mkdir(join(temporary, 'truth'));
      await writeTruth(db, join(temporary, 'truth'), world);
      await writeFile(join(temporary, 'dataset.yaml'), await description(options));
    });
  } finally {
    db.close();
  }
  return summary;
}

async function writeEvents(
  db: Database,
  file: string,
  world: World,
  summary: FunnelSummary,
  onProgress: (done: number) => void,
): Promise<void> {
  await db.run(
    'CREATE TABLE events (user_id INTEGER, item_id INTEGER, request_id INTEGER, time INTEGER, stage UTINYINT, place INTEGER, click INTEGER, truth FLOAT, chance FLOAT, ranker FLOAT)',
  );
  const table = await db.appender('events');
  const span = world.options.days * DAY;
  for (const rows of loggedRequests(world)) {
    for (const { user, item, request, time, stage, place, click, truth, chance, ranker } of rows) {
      table.appendInteger(user + 1);
      table.appendInteger(item + 1);
      table.appendInteger(request + 1);
      table.appendInteger(time);
      table.appendUTinyInt(stage);
      table.appendInteger(place);
      table.appendInteger(click);
      for (const logit of [truth, chance, ranker]) {
        if (Number.isNaN(logit)) table.appendNull();
        else table.appendFloat(logit);
      }
      table.endRow();
      summary[place > 0 ? 'shown' : 'unshown']++;
      summary.clicks += click;
    }
    summary.requests++;
    if (summary.requests % BREATH > 0) continue;
    onProgress((rows[0]!.time - START) / span);
    await setImmediate();
  }
  table.closeSync();
  if (summary.requests < FEWEST) {
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `${world.options.users} users ask ${summary.requests} times in ${world.options.days} days: too little for a log`,
      'Take more users or days, or more requests per day.',
    );
  }
  const stages = `[${LOGGED_STAGES.map((name) => `'${name}'`).join(', ')}]`;
  await copyTable(
    db,
    `SELECT * REPLACE (time::BIGINT AS time, ${stages}[stage + 1] AS stage, nullif(place, 0) AS place) FROM events`,
    file,
  );
  await db.run('DROP TABLE events');
}

function userColumns({ people: { fields } }: World): WrittenColumn[] {
  return [
    { name: 'user_id', type: 'INTEGER', value: (user) => user + 1 },
    { name: 'segment', type: 'VARCHAR', value: (user) => `s${fields.segment[user]}` },
    { name: 'age', type: 'INTEGER', value: (user) => fields.age[user]! },
    { name: 'device', type: 'VARCHAR', value: (user) => `d${fields.device[user]}` },
    { name: 'country', type: 'VARCHAR', value: (user) => `c${fields.country[user]}` },
  ];
}

function itemColumns({ catalogue: { fields, latents } }: World): WrittenColumn[] {
  const tags = (item: number) => fields.tags.subarray(item * FACETS, (item + 1) * FACETS);
  return [
    { name: 'item_id', type: 'INTEGER', value: (item) => item + 1 },
    { name: 'category', type: 'VARCHAR', value: (item) => `g${fields.category[item]}` },
    { name: 'author', type: 'VARCHAR', value: (item) => `a${fields.author[item]}` },
    { name: 'tags', type: 'VARCHAR', value: (item) => Array.from(tags(item), (tag) => `t${tag}`).join(',') },
    { name: 'duration', type: 'INTEGER', value: (item) => fields.duration[item]! },
    { name: 'released', type: 'INTEGER', value: (item) => Math.floor(latents.release[item]!) },
  ];
}

async function writeTruth(db: Database, folder: string, { options, constants, people, catalogue }: World) {
  const users = people.latents;
  const items = catalogue.latents;
  const one = (name: string, values: Float32Array): WrittenColumn => ({
    name,
    type: 'FLOAT',
    value: (row) => values[row]!,
  });
  const wide = (name: string, width: number, values: Float32Array): WrittenColumn => ({
    name,
    type: 'FLOAT',
    width,
    value: (row, at) => values[row * width + at]!,
  });
  await writeTable(db, join(folder, TRUTH_FILES.users), users.count, [
    { name: 'user_id', type: 'INTEGER', value: (user) => user + 1 },
    one('mood', users.mood),
    wide('home', WIDTH, users.home),
    wide('early', WIDTH, users.early),
    wide('late', WIDTH, users.late),
  ]);
  await writeTable(db, join(folder, TRUTH_FILES.items), items.count, [
    { name: 'item_id', type: 'INTEGER', value: (item) => item + 1 },
    one('quality', items.quality),
    one('release', items.release),
    one('hour', items.hour),
    wide('vector', WIDTH, items.vector),
    wide('facets', FACETS * WIDTH, items.facets),
  ]);
  await writeFile(join(folder, TRUTH_FILES.world), `${JSON.stringify({ format: 1, options, constants }, null, 2)}\n`);
}

/** The description that comes with the package, where the files lie beside it. */
async function description(options: FunnelOptions): Promise<string> {
  const document = parseDocument(await readFile(packagePath('datasets', 'funnel.yaml'), 'utf8'));
  for (const key of ['root', 'generate']) document.delete(key);
  document.set('about', `generated by twotower, no real user, no real item: ${JSON.stringify(options)}`);
  return document.toString({ lineWidth: 0 });
}
