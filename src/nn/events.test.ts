import { expect, test } from 'vitest';
import { input } from '../graph/index.js';
import type { Feature } from '../schema.js';
import { type Events, perEvent } from './events.js';
import { concatFields, lastMask } from './fields.js';
import { expectClose } from './testing/expect-close.js';
import { run } from './testing/run.js';
import { uneven } from './testing/values.js';

const features: Feature[] = [
  { name: 'id', owner: 'item', encoding: 'id', vocabulary: 'item.id', size: 6 },
  { name: 'tags', owner: 'item', encoding: 'ids', vocabulary: 'item.tags', size: 4, maxLength: 2 },
  { name: 'price', owner: 'item', encoding: 'numbers', width: 1 },
];
const ints = (values: number[], ...shape: number[]) => ({ data: Int32Array.from(values), shape });

/** Two lists of three positions; the first holds one event, the second two. */
const feeds = {
  length: ints([1, 2], 2),
  id: ints([5, 5, 1, 5, 2, 3], 2, 3),
  tags: ints([3, 3, 3, 3, 1, 2, 3, 3, 0, 3, 2, 3], 2, 3, 2),
  'tags.length': ints([2, 2, 2, 2, 1, 0], 2, 3),
  price: uneven([2, 3, 1]),
};

function past(): Events {
  const length = input('length', ['B'], 'int32');
  const fields = features.map((feature) => {
    if (feature.encoding === 'numbers') return { feature, values: input('price', ['B', 3, 1]) };
    const inner = feature.encoding === 'ids' ? [2] : [];
    const values = input(feature.name, ['B', 3, ...inner], 'int32');
    return { feature, values, ...(feature.encoding === 'ids' && { length: input('tags.length', ['B', 3], 'int32') }) };
  });
  return { fields, length, mask: lastMask(3, length) };
}

test('each event is what it is among padded ones, and padding is zero', async () => {
  const parameters = {
    'tables/item.id': [...uneven([6, 2]).data],
    'tables/item.tags': [...uneven([4, 2], 3).data],
  };
  const { alone, all } = await run(
    () => {
      const events = past();
      const make = (fields: Events['fields']) => concatFields(fields, { width: 2 });
      return { alone: perEvent(events, make), all: make(events.fields) };
    },
    feeds,
    { parameters },
  );
  expect(alone.shape).toEqual([2, 3, 5]);
  const there = [false, false, true, false, true, true];
  expectClose(
    alone.values,
    all.values.map((value, at) => (there[Math.floor(at / 5)] ? value : 0)),
  );
});
