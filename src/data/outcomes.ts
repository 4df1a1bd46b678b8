import type { DatasetConfig, Predicate } from './config.js';
import type { Check } from './fields/kind.js';
import { literal, numberChecks, numberOf, textOf } from './fields/sql.js';
import { stageLevels } from './levels.js';
import { columnIn, type Source } from './source.js';
import { inFile } from './stage.js';

/** Scores are kept as float32. */
const LARGEST_SCORE = 3.4e38;

/** Adds what came of the events: columns `stage` where a column names it, `feedbackN` and `scoreN`. */
export function addOutcomes(
  config: DatasetConfig,
  source: Source,
  columns: Map<string, string>,
  checks: Check[],
): void {
  const unshown = stageLevel(config, source, columns, checks);
  config.feedback.forEach((one, i) => {
    const described = typeof one === 'string' ? { name: one, column: one } : one;
    const column = columnIn(source, described.column);
    const { sql, checks: own } = inFile(source.file, () => conditionSql(source, described));
    const value =
      sql === undefined ? inFile(source.file, () => numberOf(column)) : `CASE WHEN ${sql} THEN 1 ELSE 0 END`;
    if (unshown === undefined) {
      columns.set(`feedback${i}`, value);
      checks.push(...own);
      return;
    }
    columns.set(`feedback${i}`, `CASE WHEN ${unshown} THEN 0 ELSE ${value} END`);
    checks.push(...own.map((check) => ({ ...check, when: `NOT ${unshown} AND (${check.when})` })));
    checks.push({
      column: column.name,
      value: `${column.sql}::VARCHAR`,
      when: `${unshown} AND coalesce((${value}) <> 0, false)`,
      says: `is feedback ("${described.name}") on what was never shown`,
      remedy: 'Correct the value, or the stage of the event.',
    });
  });
  (config.scores ?? []).forEach((score, i) => {
    const column = columnIn(source, score);
    columns.set(
      `score${i}`,
      inFile(source.file, () => numberOf(column)),
    );
    checks.push(...inFile(source.file, () => numberChecks(column, false)));
    checks.push({
      column: column.name,
      value: `${column.sql}::VARCHAR`,
      when: `coalesce(abs(${numberOf(column)}) > ${LARGEST_SCORE}, false)`,
      says: 'is too large for a score',
      remedy: 'Give logits: 3 or -7, not 1e39.',
    });
  });
}

/** Adds the stage of the events where a column names it; returns SQL that is true of events that were never shown. */
function stageLevel(
  config: DatasetConfig,
  source: Source,
  columns: Map<string, string>,
  checks: Check[],
): string | undefined {
  const { names, shown, column: named } = stageLevels(config);
  if (named === undefined) return undefined;
  const column = columnIn(source, named);
  const text = inFile(source.file, () => textOf(column));
  const cases = names.map((name, i) => `WHEN ${literal(name)} THEN ${i}`);
  const level = `CASE ${text} ${cases.join(' ')} END`;
  columns.set('stage', level);
  checks.push({
    column: column.name,
    value: text,
    when: `${level} IS NULL`,
    says: `is not a stage: ${names.join(', ')}`,
    remedy: 'Correct the value, or name the stage in `stages.names`.',
  });
  return `coalesce(${level} < ${shown}, false)`;
}

/** SQL of a condition, undefined where the description states none; and the checks on its column. */
export function conditionSql(source: Source, predicate: Predicate): { sql: string | undefined; checks: Check[] } {
  const column = columnIn(source, predicate.column);
  const parts: string[] = [];
  const same = (value: string | number) =>
    typeof value === 'number' ? `${numberOf(column)} = ${value}` : `${textOf(column)} = ${literal(value)}`;
  if (predicate.equals !== undefined) parts.push(same(predicate.equals));
  if (predicate.in !== undefined) parts.push(`(${predicate.in.map(same).join(' OR ')})`);
  const bounds = [
    ['>=', predicate.atLeast],
    ['<=', predicate.atMost],
    ['>', predicate.above],
    ['<', predicate.below],
  ] as const;
  for (const [operator, bound] of bounds)
    if (bound !== undefined) parts.push(`${numberOf(column)} ${operator} ${bound}`);
  const text =
    typeof predicate.equals === 'string' || predicate.in?.some((value) => typeof value === 'string') === true;
  return {
    sql: parts.length === 0 ? undefined : parts.join(' AND '),
    checks: text ? [] : numberChecks(column, true),
  };
}
