import type { LoadContext } from '../../data/tables.js';
import { type Finding, share } from './finding.js';

/** A field whose values are moments, and how often they lie after the event they describe. */
export interface MomentField {
  field: string;
  events: number;
  /** Events with a value that is later than they are by more than a day. */
  later: number;
}

/** 1990 and 2100, in seconds since 1970: numbers between them, as seconds or milliseconds, look like moments. */
const FIRST = 631_152_000;
const LAST = 4_102_444_800;
const DAY = 86_400;

/**
 * Fields that hold moments: numbers that are seconds or milliseconds of these times, and texts that are dates. Asked of the
 * staged tables of a load, before values become rows of vocabularies.
 */
export async function momentFields({ db, fields }: LoadContext): Promise<MomentField[]> {
  const found: MomentField[] = [];
  for (const { field, kind, column } of fields) {
    // A calendar field is made from the time of the event itself.
    if (kind.input === 'texts' || !['numeric', 'categorical', 'id'].includes(field.kind)) continue;
    const value = `${field.owner === 'context' ? 'e' : 'o'}.${column}`;
    const joined =
      field.owner === 'context' ? '' : `JOIN ${field.owner}s o ON o.key::VARCHAR = e.${field.owner}::VARCHAR`;
    const seconds =
      kind.input === 'number'
        ? `CASE WHEN ${value} BETWEEN ${FIRST} AND ${LAST} THEN ${value} WHEN ${value} / 1000 BETWEEN ${FIRST} AND ${LAST} THEN ${value} / 1000 END`
        : // A bare number is an id or a code, whatever date it might be taken for.
          `CASE WHEN NOT regexp_full_match(${value}::VARCHAR, '[0-9.]+') THEN epoch(TRY_CAST(${value}::VARCHAR AS TIMESTAMP)) END`;
    const [row] = await db.rows<{ total: bigint; moments: bigint; later: bigint }>(
      `SELECT count(*) AS total, count(moment) AS moments, count(*) FILTER (moment > seconds + ${DAY}) AS later
       FROM (SELECT e.seconds, ${seconds} AS moment FROM events e ${joined} WHERE e.problem = 0 AND ${value} IS NOT NULL)`,
    );
    const { total, moments, later } = row!;
    if (Number(total) === 0 || Number(moments) < 0.99 * Number(total)) continue;
    found.push({ field: `${field.owner}.${field.name}`, events: Number(total), later: Number(later) });
  }
  return found;
}

/** What is known only after the event cannot be a feature of it. */
export function judgeMoments(fields: readonly MomentField[]): Finding {
  const bad = fields.filter(({ later }) => later > 0);
  if (bad.length === 0) {
    const names = fields.map(({ field }) => field).join(', ');
    return {
      check: 'moments',
      level: 'ok',
      says: fields.length === 0 ? 'no field holds moments' : `no value of ${names} is later than its event`,
    };
  }
  return {
    check: 'moments',
    level: 'warning',
    says: bad
      .map(({ field, later, events }) => `${field} is later than its event in ${share(later, events)} of the events`)
      .join('; '),
    remedy:
      'Such a table was written after the log: take the field out, or keep the value it had at the time of the event.',
  };
}
