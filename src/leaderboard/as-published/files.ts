import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Dataset, KeyedTable } from '../../data/dataset.js';
import { writeFolderAtomic } from '../../files.js';
import type { PublishedRows } from './rows.js';

const FILES = { description: 'dataset.yaml', events: 'events.csv', users: 'users.csv', items: 'items.csv' } as const;
const USER_FIELDS = ['gender', 'age', 'occupation'];
const ITEM_FIELDS = ['genres'];
/** A user or item has other means in the test part, so that it stands in its table once for each side of the split. */
const SIDES = ['train', 'test'] as const;

/**
 * Writes the rows below a folder, and a description with which they can be loaded like any dataset; what is there is kept.
 *
 * @param seed of the rows: other rows of the dataset lie elsewhere
 * @returns path of the description
 */
export async function writePublished(
  dataset: Dataset,
  { event, label, part, userMean, itemMean }: PublishedRows,
  folder: string,
  seed: number,
): Promise<string> {
  const version = createHash('sha256').update(`${dataset.logHash} ${seed}`).digest('hex').slice(0, 12);
  const path = join(folder, version);
  const description = join(path, FILES.description);
  if (existsSync(description)) return description;
  const { user, item, time } = dataset.events;
  const side = (row: number) => (part[row] === 2 ? 'test' : 'train');
  await writeFolderAtomic(path, async (temporary) => {
    const write = (name: string, lines: string[]) => writeFile(join(temporary, name), `${lines.join('\n')}\n`);
    await write(
      FILES.events,
      [['user', 'item', 'time', 'label', 'part'].join(',')].concat(
        Array.from(event, (at, row) => {
          const keys = [dataset.users.keys[user[at]!], dataset.items.keys[item[at]!]];
          return [...keys.map((key) => cell(`${key}/${side(row)}`)), time[at], label[row], part[row]].join(',');
        }),
      ),
    );
    const keyed = (table: KeyedTable, own: string, fields: Map<string, (row: number) => string>, means: Means) => [
      ['key', own, ...fields.keys(), 'mean_rating'].join(','),
      ...SIDES.flatMap((one) =>
        table.keys.flatMap((key, row) => {
          const mean = means[one][row]!;
          if (Number.isNaN(mean)) return [];
          return [
            [`${key}/${one}`, key, ...[...fields.values()].map((text) => text(row))]
              .map(cell)
              .join(',')
              .concat(`,${mean}`),
          ];
        }),
      ),
    ];
    const fields = { user: textsOf(dataset, 'user', USER_FIELDS), item: textsOf(dataset, 'item', ITEM_FIELDS) };
    await write(FILES.users, keyed(dataset.users, 'user_id', fields.user, userMean));
    await write(FILES.items, keyed(dataset.items, 'item_id', fields.item, itemMean));
    await writeFile(join(temporary, FILES.description), stringify(describe(dataset, fields)));
  });
  return description;
}

type Means = PublishedRows['userMean'];
type Texts = Map<string, (row: number) => string>;

function describe({ name, users, items }: Dataset, fields: { user: Texts; item: Texts }): unknown {
  const mean = { kind: 'numeric', column: 'mean_rating', standardise: true };
  const categorical = (texts: Texts) => Object.fromEntries([...texts.keys()].map((field) => [field, 'categorical']));
  return {
    name: `${name}-as-published-leaky`,
    about: `${users.count - 1} users and ${items.count - 1} items of ${name} as a published pipeline left them. LEAKY: the mean ratings of the test part are made of the labels to be predicted.`,
    tables: {
      events: { path: FILES.events },
      users: { path: FILES.users, key: 'key' },
      items: { path: FILES.items, key: 'key' },
    },
    user: { column: 'user', type: 'text' },
    item: { column: 'item', type: 'text' },
    time: { column: 'time', unit: 's' },
    feedback: ['label'],
    label: 'label',
    fields: {
      user: { user_id: 'id', ...categorical(fields.user), mean_rating: mean },
      item: {
        item_id: 'id',
        ...(fields.item.has('genres') && { genres: { kind: 'multi-categorical', separator: '|' } }),
        mean_rating: mean,
      },
    },
    split: { by: 'part', trainUntil: 1, validationUntil: 2 },
  };
}

/** The fields of those names that the dataset has, as the text of a row. */
function textsOf(dataset: Dataset, owner: 'user' | 'item', names: readonly string[]): Texts {
  const { display, columns } = dataset[`${owner}s`];
  const found: Texts = new Map();
  for (const name of names) {
    const shown = display.get(name);
    const feature = dataset.schema[owner].find((one) => one.name === name);
    if (shown !== undefined) found.set(name, (row) => shown[row] ?? '');
    else if (feature !== undefined && feature.encoding !== 'numbers') {
      const values = dataset.encoders.vocabularies[feature.vocabulary]?.values ?? [];
      const column = columns.get(name)!;
      const text = (id: number) => (id === 0 ? '' : values[id - 1]!);
      if (column.encoding === 'id') found.set(name, (row) => text(column.rows[row]!));
      if (column.encoding === 'ids') {
        const { rows, lengths, maxLength } = column;
        found.set(name, (row) => {
          return Array.from(rows.subarray(row * maxLength, row * maxLength + lengths[row]!), text).join('|');
        });
      }
    }
  }
  return found;
}

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
