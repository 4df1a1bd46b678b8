import { TwoTowerError } from '../errors.js';
import { type Database, doubles } from './database.js';
import type { FieldEncoderState, VocabularyState } from './dataset.js';
import type { NumberStatistics, VocabularyKind } from './fields/kind.js';
import type { LoadContext, StagedField } from './tables.js';

/** What the training part taught: the state of each field, and the vocabularies. */
export interface Fitted {
  states: FieldEncoderState[];
  vocabularies: Record<string, VocabularyState>;
  /** The enum type of each vocabulary, for SQL. */
  types: Map<string, string>;
}

/**
 * Fits all fields on the training events alone. A value of a user or item counts once for each training event of that user or
 * item, so a value no training event has seen stays unknown.
 *
 * @param training SQL over `events` that is true for training events
 */
export async function fitFields({ db, fields, config }: LoadContext, training: string): Promise<Fitted> {
  for (const entity of ['user', 'item'] as const) {
    await db.run(
      `CREATE TABLE ${entity}_counts AS SELECT ${entity} AS key, count(*) AS n FROM events WHERE ${training} GROUP BY ${entity}`,
    );
  }
  const shared = new Map<string, { minCount: number; members: StagedField[] }>();
  for (const staged of fields) {
    if (staged.kind.input === 'number') continue;
    const { name, minCount } = staged.kind.vocabulary(staged.field);
    const known = shared.get(name);
    if (known === undefined) shared.set(name, { minCount, members: [staged] });
    else if (known.minCount === minCount) known.members.push(staged);
    else {
      throw new TwoTowerError(
        'CONFIG_INVALID',
        `${config.file}: vocabulary "${name}" has minCount ${known.minCount} in one field and ${minCount} in "${staged.field.name}"`,
        'Give fields of one vocabulary the same minCount.',
      );
    }
  }
  const fitted: Fitted = { states: [], vocabularies: {}, types: new Map() };
  let index = 0;
  for (const [name, { minCount, members }] of shared) {
    const type = `vocabulary${index++}`;
    fitted.vocabularies[name] = await countValues(db, type, members, minCount, training);
    fitted.types.set(name, type);
  }
  for (const staged of fields) {
    const { field, kind } = staged;
    const state =
      kind.input === 'number'
        ? await kind.fit(field, numbersOf(db, staged, training))
        : kind.fit(field, kind.input === 'texts' ? await longestOf(db, staged, training) : 1);
    fitted.states.push({
      name: field.name,
      owner: field.owner,
      kind: field.kind,
      column: field.column,
      state: state as Record<string, unknown>,
    });
  }
  return fitted;
}

/** SQL giving a field's value `v` and the number `n` of training events it stands for. */
function occurrences({ field, kind, column }: StagedField, training: string): string {
  const value = kind.input === 'texts' ? `unnest(${column})` : column;
  if (field.owner === 'context') return `SELECT ${value} AS v, 1 AS n FROM events WHERE ${training}`;
  return `SELECT ${value} AS v, n FROM ${field.owner}s JOIN ${field.owner}_counts USING (key)`;
}

/** Counts values over all fields of a vocabulary; most frequent first, equal counts by their bytes. Makes the enum type. */
async function countValues(
  db: Database,
  type: string,
  members: StagedField[],
  minCount: number,
  training: string,
): Promise<VocabularyState> {
  const all = members.map((member) => occurrences(member, training)).join(' UNION ALL ');
  await db.run(`CREATE TABLE ${type}_all AS SELECT v, sum(n)::DOUBLE AS n FROM (${all}) GROUP BY v`);
  await db.run(
    `CREATE TABLE ${type}_kept AS SELECT v, n FROM ${type}_all WHERE v IS NOT NULL AND n >= ${minCount} ORDER BY n DESC, v`,
  );
  const totals = await db.rows<{ n: number }>(`SELECT coalesce(sum(n), 0) AS n FROM ${type}_all`);
  await db.run(`DROP TABLE ${type}_all`);
  await db.run(`CREATE TYPE ${type} AS ENUM (SELECT v FROM ${type}_kept ORDER BY rowid)`);
  const values: string[] = [];
  const counts: number[] = [0];
  let known = 0;
  for await (const chunk of db.stream(`SELECT v, n FROM ${type}_kept ORDER BY rowid`)) {
    for (const value of chunk.getColumnValues(0)) values.push(value as string);
    for (const count of doubles(chunk.getColumnVector(1))) {
      counts.push(count);
      known += count;
    }
  }
  await db.run(`DROP TABLE ${type}_kept`);
  counts[0] = totals[0]!.n - known;
  return { values, counts };
}

async function longestOf(db: Database, staged: StagedField, training: string): Promise<number> {
  const { field, column } = staged;
  const from =
    field.owner === 'context' ? `events WHERE ${training}` : `${field.owner}s JOIN ${field.owner}_counts USING (key)`;
  const rows = await db.rows<{ n: bigint | null }>(`SELECT max(len(${column})) AS n FROM ${from}`);
  return Number(rows[0]?.n ?? 0);
}

function numbersOf(db: Database, staged: StagedField, training: string): NumberStatistics {
  const counted = `SELECT v, sum(n)::DOUBLE AS n FROM (${occurrences(staged, training)}) WHERE v IS NOT NULL GROUP BY v`;
  return {
    total: async () => (await db.rows<{ n: number | null }>(`SELECT sum(n) AS n FROM (${counted})`))[0]?.n ?? 0,
    async *chunks() {
      for await (const chunk of db.stream(`${counted} ORDER BY v`)) {
        yield { values: doubles(chunk.getColumnVector(0)), counts: doubles(chunk.getColumnVector(1)) };
      }
    },
  };
}

/** Rows of a vocabulary, the unknown row included. */
export function sizeIn(vocabularies: Record<string, VocabularyState>): (name: string) => number {
  return (name) => (vocabularies[name]?.values.length ?? 0) + 1;
}

/** The name of the vocabulary a fitted field reads. */
export function vocabularyOf(staged: StagedField): string {
  return (staged.kind as VocabularyKind<unknown, unknown>).vocabulary(staged.field).name;
}
