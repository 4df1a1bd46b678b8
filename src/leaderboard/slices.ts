import type { Dataset } from '../data/dataset.js';
import { didYouMean, TwoTowerError } from '../errors.js';
import type { Feature } from '../schema.js';

/** A part of the exposures that has something in common. */
export interface Slice {
  /** What the exposures are divided by. */
  by: string;
  group: string;
  /** [N]: 1 where an exposure belongs to it. */
  keep: Uint8Array;
}

/** Values of a field that get a group of their own; the others share one. */
const MOST_GROUPS = 10;

/**
 * The test part divided by how much training knew of user and item, and by the values of fields.
 *
 * Items: `head` are the most shown ones that together have half of the exposures of training, `tail` the others that training
 * knows, `new` those it does not.
 *
 * @param fields such as `context.tab`; fields with one value per row
 * @throws CONFIG_INVALID on a field that cannot divide
 */
export function slicesOf(dataset: Dataset, fields: readonly string[]): Slice[] {
  const { events, splits } = dataset;
  const rows = splits.test;
  const known = new Uint8Array(dataset.users.count);
  const shown = new Float64Array(dataset.items.count);
  for (const row of splits.train) {
    known[events.user[row]!] = 1;
    shown[events.item[row]!]!++;
  }
  const head = headOf(shown);
  const userGroup = (row: number) => (known[events.user[row]!] === 1 ? 'in training' : 'new');
  const itemGroup = (row: number) => {
    const item = events.item[row]!;
    return shown[item] === 0 ? 'new' : head[item] === 1 ? 'head' : 'tail';
  };
  return [
    ...divide('user', rows, ['in training', 'new'], userGroup),
    ...divide('item', rows, ['head', 'tail', 'new'], itemGroup),
    ...fields.flatMap((field) => byField(dataset, field)),
  ];
}

/** 1 for the most frequent items until they have half of all events. */
function headOf(shown: Float64Array): Uint8Array {
  const order = Array.from(shown.keys()).sort((a, b) => shown[b]! - shown[a]! || a - b);
  const half = shown.reduce((a, b) => a + b, 0) / 2;
  const head = new Uint8Array(shown.length);
  let seen = 0;
  for (const item of order) {
    if (seen >= half) break;
    head[item] = 1;
    seen += shown[item]!;
  }
  return head;
}

function byField(dataset: Dataset, said: string): Slice[] {
  const { schema, events, splits, encoders } = dataset;
  const features: Feature[] = [...schema.user, ...schema.item, ...schema.context];
  const nameOf = ({ owner, name }: Feature) => `${owner}.${name}`;
  const feature = features.find((one) => nameOf(one) === said);
  if (feature === undefined || feature.encoding !== 'id') {
    const usable = features.filter(({ encoding }) => encoding === 'id').map(nameOf);
    throw new TwoTowerError(
      'CONFIG_INVALID',
      `slices: ${feature === undefined ? `there is no field "${said}"` : `${said} has no single value per row`}, ${didYouMean(said, usable)}`,
      'Name a field as OWNER.NAME; twotower inspect shows them.',
    );
  }
  const { owner, name, vocabulary } = feature;
  const table = owner === 'user' ? dataset.users : owner === 'item' ? dataset.items : events.context;
  const column = table.columns.get(name)!;
  const ids = column.encoding === 'id' ? column.rows : new Int32Array();
  const rowOf = (row: number) => (owner === 'user' ? events.user[row]! : owner === 'item' ? events.item[row]! : row);
  const values = encoders.vocabularies[vocabulary]?.values ?? [];
  const textOf = (row: number) => {
    const id = ids[rowOf(row)]!;
    return id === 0 ? 'unknown' : (values[id - 1] ?? String(id));
  };
  const counts = new Map<string, number>();
  for (const row of splits.test) counts.set(textOf(row), (counts.get(textOf(row)) ?? 0) + 1);
  const frequent = [...counts.entries()].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([value]) => value);
  const own = new Set(frequent.slice(0, frequent.length > MOST_GROUPS ? MOST_GROUPS - 1 : MOST_GROUPS));
  const groups = [...own, ...(frequent.length > own.size ? ['others'] : [])];
  return divide(said, splits.test, groups, (row) => (own.has(textOf(row)) ? textOf(row) : 'others'));
}

/** Groups without an exposure are left out. */
function divide(by: string, rows: Uint32Array, groups: readonly string[], groupOf: (row: number) => string): Slice[] {
  const of = Array.from(rows, groupOf);
  return groups
    .map((group) => ({ by, group, keep: Uint8Array.from(of, (one) => Number(one === group)) }))
    .filter(({ keep }) => keep.includes(1));
}
