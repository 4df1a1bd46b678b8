import { TwoTowerError } from '../../errors.js';
import type { Check, RawColumn, TimeUnit } from './kind.js';

const INTEGER = /^U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$/;
const REAL = /^(FLOAT|DOUBLE|DECIMAL.*)$/;
const MOMENT = /^(DATE|TIMESTAMP.*)$/;

/** `"name"`, fit for SQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `'text'`, fit for SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** SQL of a column's value as canonical text (see `canonicalText`), NULL where there is none. */
export function textOf(column: RawColumn): string {
  return textOfType(column.sql, column.type, column.name);
}

/** SQL of a list column, or of a text column split at `separator`, as VARCHAR[]; blank entries are dropped. */
export function textsOf(column: RawColumn, separator: string): string {
  if (column.type.endsWith('[]')) {
    const inner = textOfType('x', column.type.slice(0, -2), column.name);
    return `list_filter(list_transform(${column.sql}, lambda x: ${inner}), lambda x: x IS NOT NULL)`;
  }
  const part = textOfType('trim(x)', 'VARCHAR', column.name);
  const parts = `list_transform(string_split(${textOf(column)}, ${literal(separator)}), lambda x: ${part})`;
  return `list_filter(${parts}, lambda x: x IS NOT NULL)`;
}

function textOfType(sql: string, type: string, name: string): string {
  if (type === 'VARCHAR' || type.startsWith('ENUM')) {
    const text = type === 'VARCHAR' ? sql : `${sql}::VARCHAR`;
    return `CASE WHEN suffix(${text}, '.0') AND try_cast(left(${text}, -2) AS BIGINT) IS NOT NULL THEN left(${text}, -2) ELSE nullif(${text}, '') END`;
  }
  if (INTEGER.test(type) || type === 'BOOLEAN' || type === 'UUID' || MOMENT.test(type)) return `${sql}::VARCHAR`;
  if (REAL.test(type)) {
    const real = `${sql}::DOUBLE`;
    return `CASE WHEN isnan(${real}) THEN NULL WHEN abs(${real}) < 9e15 AND ${real} = trunc(${real}) THEN (${real}::BIGINT)::VARCHAR ELSE (${real})::VARCHAR END`;
  }
  throw new TwoTowerError(
    'DATA_COLUMN',
    `column "${name}" is of type ${type}, which is neither text nor a number`,
    type.endsWith('[]') ? 'A list column needs the kind multi-categorical.' : 'Choose another column.',
  );
}

/** SQL of a column as DOUBLE, NULL where it is empty or not a number. */
export function numberOf(column: RawColumn): string {
  const { sql, type, name } = column;
  if (type === 'VARCHAR') {
    const truth = `CASE lower(${sql}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END`;
    return `coalesce(try_cast(${sql} AS DOUBLE), ${truth})`;
  }
  if (INTEGER.test(type) || REAL.test(type)) return `${sql}::DOUBLE`;
  if (type === 'BOOLEAN') return `${sql}::INTEGER::DOUBLE`;
  throw new TwoTowerError(
    'DATA_COLUMN',
    `column "${name}" is of type ${type}, where a number is needed`,
    'Choose another column, or another kind for this field.',
  );
}

/** The checks that a column holds finite numbers; empty values pass unless `required`. */
export function numberChecks(column: RawColumn, required: boolean): Check[] {
  const { name, sql, type } = column;
  const number = numberOf(column);
  const text = type === 'VARCHAR';
  const empty = text ? `nullif(trim(${sql}), '') IS NULL` : `${sql} IS NULL`;
  const base = { column: name, value: `${sql}::VARCHAR`, remedy: 'Correct the value.' };
  const checks: Check[] = [];
  if (required) checks.push({ ...base, when: empty, says: 'is empty where a number is needed' });
  if (text) checks.push({ ...base, when: `NOT (${empty}) AND ${number} IS NULL`, says: 'is not a number' });
  if (text || REAL.test(type))
    checks.push({ ...base, when: `NOT isfinite(${number})`, says: 'is not a finite number' });
  return checks;
}

const UNITS: Record<Exclude<TimeUnit, 'iso'>, number> = { s: 1, ms: 1e3, us: 1e6 };

/** SQL of a time column as seconds since 1970 (DOUBLE), NULL where it cannot be read. Times that name no zone are UTC. */
export function secondsOf(column: RawColumn, unit: TimeUnit): string {
  if (MOMENT.test(column.type)) return `epoch_us(${column.sql}::TIMESTAMP) / 1e6`;
  if (unit !== 'iso') return `${numberOf(column)} / ${UNITS[unit]}`;
  if (column.type !== 'VARCHAR') {
    throw new TwoTowerError(
      'DATA_COLUMN',
      `column "${column.name}" is of type ${column.type}, while time.unit is iso`,
      'Set time.unit to s, ms or us.',
    );
  }
  return `epoch_us(try_cast(${column.sql} AS TIMESTAMP)) / 1e6`;
}

/** Seconds since 1970 from a raw time, NaN where it cannot be read: the twin of {@link secondsOf}. */
export function secondsFromRaw(value: unknown, unit: TimeUnit): number {
  if (value instanceof Date) return value.getTime() / 1e3;
  if (unit === 'iso' && typeof value === 'string') {
    const text = value.trim().replace(' ', 'T');
    const zoned = /(Z|[+-]\d\d(:?\d\d)?)$/i.test(text) || !text.includes('T');
    return Date.parse(zoned ? text : `${text}Z`) / 1e3;
  }
  const number =
    typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string' ? Number(value) : Number.NaN;
  return value === '' ? Number.NaN : number / UNITS[unit === 'iso' ? 's' : unit];
}
