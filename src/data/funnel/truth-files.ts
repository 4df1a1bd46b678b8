import { join } from 'node:path';
import { z } from 'zod';
import { TwoTowerError } from '../../errors.js';
import { parseYaml, readText } from '../../yaml.js';
import { Database, doubles } from '../database.js';
import { literal } from '../fields/sql.js';
import {
  examination,
  FACETS,
  type Latents,
  sigmoid,
  type TruthConstants,
  tasteAt,
  tasteLogit,
  WIDTH,
} from './truth.js';

/** Files of the folder that a description names as `truth`. */
export const TRUTH_FILES = { world: 'world.json', users: 'users.parquet', items: 'items.parquet' } as const;

const number = z.number();
const worldFile = z.looseObject({
  format: z.literal(1),
  constants: z.strictObject({
    start: number,
    days: number,
    base: number,
    strength: number,
    interaction: number,
    turn: number,
    freshness: z.strictObject({ gain: number, days: number }),
    hourGain: number,
    positionBias: number,
  }),
});

/** What is true of a generated log. Users and items are named by their keys in the log. */
export interface Truth {
  constants: TruthConstants;
  /** Probability that the user clicks the item at that time (seconds since 1970) if it is looked at; 0 before it exists. */
  probability(user: string, item: string, time: number): number;
  /** The same of all items, by index: [items], into `into` */
  corpus(user: string, time: number, into: Float64Array): void;
  /** Index of an item. */
  indexOf(item: string): number;
  items: number;
  /** Probability that a place is looked at, the first being 0. */
  examination(place: number): number;
}

/**
 * Opens the truth of a generated log. Memory: 100 bytes a user, 150 an item.
 *
 * @param folder as `truth` of a dataset description names it
 * @throws DATA_SOURCE where a file is missing or not of this kind; the functions of the result: DATA_KEY for an unknown key
 */
export async function openTruth(folder: string): Promise<Truth> {
  const file = join(folder, TRUTH_FILES.world);
  const { constants } = parseYaml(readText(file, 'Generate the dataset anew.'), file, worldFile);
  const latents = await readLatents(folder);
  const { users, items } = latents;
  const taste = new Float64Array(WIDTH);
  const indexOf = (what: string, key: string, count: number) => {
    const index = Number(key) - 1;
    if (Number.isInteger(index) && index >= 0 && index < count) return index;
    throw new TwoTowerError(
      'DATA_KEY',
      `${folder}: nothing is known of ${what} "${key}"`,
      `Its ${what}s are 1 to ${count}.`,
    );
  };
  const turnTo = (user: string, time: number) => {
    const index = indexOf('user', user, users.count);
    tasteAt(latents, constants, index, time, taste);
    return users.mood[index]!;
  };
  return {
    constants,
    items: items.count,
    examination: (place) => examination(place, constants.positionBias),
    indexOf: (item) => indexOf('item', item, items.count),
    probability(user, item, time) {
      const index = indexOf('item', item, items.count);
      const mood = turnTo(user, time);
      return sigmoid(mood + tasteLogit(latents, constants, taste, index, time));
    },
    corpus(user, time, into) {
      const mood = turnTo(user, time);
      for (let item = 0; item < items.count; item++) {
        into[item] = sigmoid(mood + tasteLogit(latents, constants, taste, item, time));
      }
    },
  };
}

async function readLatents(folder: string): Promise<Latents> {
  const db = await Database.open('512MB');
  try {
    const [users, items] = [
      await readTable(db, join(folder, TRUTH_FILES.users), { mood: 1, home: WIDTH, early: WIDTH, late: WIDTH }),
      await readTable(db, join(folder, TRUTH_FILES.items), {
        quality: 1,
        release: 1,
        hour: 1,
        vector: WIDTH,
        facets: FACETS * WIDTH,
      }),
    ];
    return { users, items };
  } finally {
    db.close();
  }
}

/** Columns of a file by name, row after row; how many values a row has is given. */
async function readTable<K extends string>(
  db: Database,
  file: string,
  widths: Record<K, number>,
): Promise<Record<K, Float32Array> & { count: number }> {
  const columns = (Object.entries(widths) as [K, number][]).flatMap(([name, width]) =>
    Array.from({ length: width }, (_, at) => ({ name, width, at })),
  );
  const source = `read_parquet(${literal(file)})`;
  try {
    const count = Number((await db.rows<{ n: bigint }>(`SELECT count(*) AS n FROM ${source}`))[0]!.n);
    const values = Object.fromEntries(
      (Object.entries(widths) as [K, number][]).map(([name, width]) => [name, new Float32Array(count * width)]),
    ) as Record<K, Float32Array>;
    const select = columns
      .map(({ name, width, at }) => `${name}${width === 1 ? '' : `[${at + 1}]`}::DOUBLE`)
      .join(', ');
    let row = 0;
    for await (const chunk of db.stream(`SELECT ${select} FROM ${source}`)) {
      columns.forEach(({ name, width, at }, c) => {
        const given = doubles(chunk.getColumnVector(c));
        for (let i = 0; i < chunk.rowCount; i++) values[name][(row + i) * width + at] = given[i]!;
      });
      row += chunk.rowCount;
    }
    return { ...values, count };
  } catch (cause) {
    throw new TwoTowerError(
      'DATA_SOURCE',
      `${file}: ${(cause as Error).message.split('\n')[0]}`,
      'Generate the dataset anew.',
    );
  }
}
