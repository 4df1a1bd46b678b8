import type { RawRecord } from '../data/featurizer.js';
import { canonicalNumber } from '../data/fields/kind.js';
import { didYouMean } from '../errors.js';
import type { Run } from '../runs/open.js';

/** What is looked at of a run. */
type Opened = Pick<Run, 'encoders' | 'schema'>;

/**
 * What is probably a mistake in a file of users or items. `predict` itself takes whatever it cannot use for unknown, so that without a
 * word of it nobody would know.
 */
export function oddities(run: Opened, owner: 'user' | 'item', records: readonly RawRecord[], file: string): string[] {
  const fields = run.encoders.fields.filter((field) => (field.owner === 'item') === (owner === 'item'));
  const known = new Set(fields.flatMap(({ column, name }) => [column, name]));
  if (owner === 'user') for (const name of ['histories', 'time']) known.add(name);
  const given = new Set(records.flatMap((record) => Object.keys(record)));
  if (![...given].some((column) => known.has(column))) {
    return [`${file}: no column is a field of this run, so that every row is unknown; known: ${[...known].join(', ')}`];
  }
  const free = [...known].filter((name) => !given.has(name));
  const misspelled = [...given].flatMap((column) => {
    const guess = known.has(column) ? '' : didYouMean(column, free);
    return guess.startsWith('did you') ? [`${file}: column "${column}" is no field of this run, ${guess}`] : [];
  });
  const numeric = fields.filter(({ kind }) => kind === 'numeric').map(({ column }) => column);
  const wordy = [...numeric, ...(owner === 'user' && !fields.some(({ column }) => column === 'time') ? ['time'] : [])];
  const noNumbers = wordy.flatMap((column) => {
    const odd = records.flatMap((record, i) => (isNoNumber(record[column]) ? [i] : []));
    if (odd.length === 0) return [];
    const first = JSON.stringify(records[odd[0]!]![column]);
    return [
      `${file}: row ${odd[0]! + 1}, column "${column}": ${first} is no number and counts as unknown${others(odd)}`,
    ];
  });
  return [...misspelled, ...noNumbers, ...(owner === 'user' ? oddHistories(run, records, file) : [])];
}

function isNoNumber(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && Number.isNaN(canonicalNumber(value));
}

/** What of the histories is left out because it has another form than `{ NAME: [{ item, time }, …] }`; the first of its sort. */
function oddHistories(run: Opened, records: readonly RawRecord[], file: string): string[] {
  const names = run.schema.histories.map(({ name }) => name);
  const found = records.map(({ histories }) => oddHistory(histories, names));
  const odd = found.flatMap((says, i) => (says === undefined ? [] : [i]));
  if (odd.length === 0) return [];
  return [`${file}: row ${odd[0]! + 1}: ${found[odd[0]!]}; that is left out${others(odd)}`];
}

function oddHistory(histories: unknown, names: readonly string[]): string | undefined {
  if (histories === undefined || histories === null) return undefined;
  if (typeof histories !== 'object' || Array.isArray(histories)) return 'histories is no object of lists by name';
  for (const [name, past] of Object.entries(histories)) {
    if (!names.includes(name)) return `there is no history "${name}", ${didYouMean(name, names)}`;
    if (!Array.isArray(past)) return `the history "${name}" is no list`;
    for (const [i, event] of past.entries()) {
      const { item, time } = (event ?? {}) as { item?: unknown; time?: unknown };
      if (item === undefined) return `event ${i + 1} of the history "${name}" has no item`;
      if (time !== undefined && time !== null && typeof time !== 'number') {
        return `event ${i + 1} of the history "${name}" has the time ${JSON.stringify(time)}, which is no number of seconds`;
      }
    }
  }
  return undefined;
}

function others({ length }: readonly number[]): string {
  return length === 1 ? '' : `; so in ${length} rows`;
}
