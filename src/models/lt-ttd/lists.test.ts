import { expect, test } from 'vitest';
import { Build, compile, input, Program } from '../../graph/index.js';
import { floats, ints } from '../../nn/testing/values.js';
import { Random } from '../../random.js';
import type { Feeds } from '../../schema.js';
import { type ListOptions, trainingLists } from './lists.js';

const OPTIONS = { size: 5, hard: 0, pool: 1 };

interface List {
  items: number[];
  mask: boolean[];
  labels: number[];
}

/** Lists of a batch, one draw after another. */
async function lists(feeds: Feeds, options: ListOptions, draws = 20): Promise<List[][]> {
  const outputs = new Build(true).run(() => {
    const context = {
      logits: input('label', ['P']),
      label: input('label', ['P']),
      weight: input('label', ['P']),
      request: input('request', ['P'], 'int32'),
      itemRow: input('itemRow', ['P'], 'int32'),
      similarity: input('similarity', ['B', 'I']),
    };
    return { ...trainingLists(context, options) };
  });
  const program = await Program.load(compile('lists', outputs), { threads: 1 });
  const found: List[][] = [];
  for (let draw = 0; draw < draws; draw++) {
    const { items, mask, labels } = await program.call(feeds, Random.of(1, draw));
    const { size } = options;
    found.push(
      Array.from({ length: feeds.similarity!.shape[0]! }, (_, b) => ({
        items: Array.from(items!.data.slice(b * size, (b + 1) * size), Number),
        mask: Array.from(mask!.data.slice(b * size, (b + 1) * size), Boolean),
        labels: Array.from(labels!.data.slice(b * size, (b + 1) * size), Number),
      })),
    );
  }
  await program.release();
  return found;
}

/** Two requests and seven items; item 6 is the best of all. */
const similarity = floats([
  [0, 1, 2, 3, 4, 5, 6],
  [0, 1, 2, 3, 4, 5, 6],
]);
const batch: Feeds = {
  similarity,
  request: ints([1, 0, 0, 0, 0]),
  itemRow: ints([3, 5, 2, 0, 5]),
  label: floats([1, 1, 0, 0.5, 0]),
};

test('a request’s own items come first with their labels, each once, then others without', async () => {
  const seen = new Set<number>();
  for (const [first, second] of await lists(batch, OPTIONS)) {
    expect(first!.items.slice(0, 3)).toEqual([0, 2, 5]);
    // Item 5 was met twice, with labels 1 and 0.
    expect(first!.labels.slice(0, 3)).toEqual([0.5, 0, 0.5]);
    expect(second!.items[0]).toBe(3);
    expect(second!.labels[0]).toBe(1);
    for (const { items, mask, labels } of [first!, second!]) {
      items.forEach((item, j) => {
        seen.add(item);
        expect(mask[j]).toBe(items.indexOf(item) === j);
        expect(item).toBeGreaterThanOrEqual(0);
        expect(item).toBeLessThan(7);
        // Whoever is drawn a second time has the label that it has.
        expect(labels[j]).toBe(labels[items.indexOf(item)]);
      });
    }
    expect(second!.labels.reduce((a, b, j) => a + (second!.mask[j] ? b : 0), 0)).toBe(1);
  }
  expect(seen).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
});

test('own items beyond the size of the list are left out', async () => {
  for (const [first] of await lists(batch, { ...OPTIONS, size: 2 }, 3)) {
    expect(first).toEqual({ items: [0, 2], mask: [true, true], labels: [0.5, 0] });
  }
});

test('hard candidates are the best of the pool', async () => {
  const found = await lists(batch, { size: 4, hard: 2, pool: 40 });
  // Forty draws from seven items miss the best one hardly ever, and give it more than once.
  for (const [, second] of found) expect(second!.items.slice(2)).toEqual([6, 6]);
  for (const [, second] of found) expect(second!.mask.slice(3)).toEqual([false]);
});

test('a batch of one item gives lists of one', async () => {
  const one = { similarity: floats([[2]]), request: ints([0]), itemRow: ints([0]), label: floats([1]) };
  const [[list]] = (await lists(one, { size: 3, hard: 1, pool: 4 }, 1)) as [[List]];
  expect(list).toEqual({ items: [0, 0, 0], mask: [true, false, false], labels: [1, 1, 1] });
});
