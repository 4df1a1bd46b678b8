import type { BadRows } from './bad-rows.js';
import type { DatasetConfig } from './config.js';
import { doubles, eachList, integers } from './database.js';
import { secondsOf, textOf, textsOf } from './fields/sql.js';
import type { Seeds } from './history-log.js';
import { columnIn, openSource, type Source } from './source.js';
import { inFile, placeOf, refuseDuplicates, rowSql, stage } from './stage.js';
import type { LoadContext } from './tables.js';

type SeedConfig = NonNullable<DatasetConfig['histories'][string]['seed']>;

/** Reads a seed table: the last `maxLength` items of every user. */
export async function readSeeds(
  context: LoadContext,
  name: string,
  seed: SeedConfig,
  maxLength: number,
  users: number,
  firstEvent: Float64Array,
): Promise<Seeds> {
  const { db, config, bad } = context;
  const source = await openSource(db, seed, context.files, context.skipBad);
  const table = `seed${context.sources.length}`;
  const key = columnIn(source, seed.key);
  const list = columnIn(source, seed.items);
  const keyText = inFile(source.file, () => textOf(key));
  const columns = new Map([
    ['key', keyText],
    ['items', inFile(source.file, () => textsOf(list, ','))],
  ]);
  const checks = [
    {
      column: seed.key,
      when: `${keyText} IS NULL`,
      value: `''`,
      says: 'is empty where a key is needed',
      remedy: 'Give the row its key.',
    },
  ];
  if (seed.lastTime === undefined) columns.set('last', `'-inf'::DOUBLE`);
  else {
    const column = columnIn(source, seed.lastTime);
    const seconds = inFile(source.file, () => secondsOf(column, config.time.unit));
    columns.set('last', seconds);
    checks.push({
      column: column.name,
      when: `${seconds} IS NULL OR NOT isfinite(${seconds})`,
      value: `${column.sql}::VARCHAR`,
      says: 'is not a time',
      remedy: `Correct the value, or the unit (time.unit is ${config.time.unit}).`,
    });
  }
  await stage(db, source, { table, columns, checks }, bad);
  await refuseDuplicates(db, source, table, seed.key, bad);
  const rows = await db.rows<{ n: bigint }>(`SELECT count(*) AS n FROM ${table}`);
  context.sources.push({ table: `seed of ${name}`, source, rows: Number(rows[0]!.n) });
  return collect(context, source, table, seed, maxLength, users, firstEvent);
}

async function collect(
  { db, bad }: LoadContext,
  source: Source,
  table: string,
  seed: SeedConfig,
  maxLength: number,
  users: number,
  firstEvent: Float64Array,
): Promise<Seeds> {
  const perUser: (Int32Array | undefined)[] = new Array(users);
  const lastTime = new Float64Array(users).fill(Number.NEGATIVE_INFINITY);
  let unknown = 0;
  const late: BadRowAt = { rows: 0, first: undefined };
  const encoded = `SELECT rowid::INTEGER, ${rowSql('key', 'user_key')}, coalesce(last, 0), list_transform(coalesce(items, []::VARCHAR[]), lambda x: ${rowSql('x', 'item_key')}) FROM ${table} WHERE problem = 0 ORDER BY rowid`;
  for await (const chunk of db.stream(encoded)) {
    const fileRows = integers(chunk.getColumnVector(0));
    const userRows = integers(chunk.getColumnVector(1));
    const lasts = doubles(chunk.getColumnVector(2));
    eachList(chunk.getColumnVector(3), chunk.rowCount, (row, values, from, to) => {
      const user = userRows[row]!;
      if (user === 0) return;
      if (lasts[row]! > firstEvent[user]!) {
        late.first ??= fileRows[row]!;
        late.rows++;
        return;
      }
      const known = values.slice(from, to).filter((item) => item !== 0);
      unknown += to - from - known.length;
      perUser[user] = known.slice(-maxLength);
      // Order is known but times are not. Only where the last item fell on the very moment of the first event must the
      // time be kept, so that it does not count as earlier than that event.
      if (lasts[row] === firstEvent[user]) lastTime[user] = lasts[row]!;
    });
  }
  refuseLate(bad, source, seed, late);
  const offsets = new Uint32Array(users + 1);
  for (let user = 0; user < users; user++) offsets[user + 1] = offsets[user]! + (perUser[user]?.length ?? 0);
  const items = new Int32Array(offsets[users]!);
  perUser.forEach((own, user) => {
    if (own !== undefined) items.set(own, offsets[user]);
  });
  return { offsets, items, lastTime, unknown };
}

interface BadRowAt {
  rows: number;
  first: number | undefined;
}

function refuseLate(bad: BadRows, source: Source, seed: SeedConfig, { rows, first }: BadRowAt): void {
  if (first === undefined) return;
  bad.add(rows, {
    file: source.file,
    place: placeOf(source, first),
    column: seed.lastTime ?? seed.items,
    says: 'the earlier history reaches beyond the first event of its user',
    remedy: 'Give only what happened before the events.',
    code: 'DATA_VALUE',
  });
}
