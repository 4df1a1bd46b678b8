import fc from 'fast-check';
import { expect, test } from 'vitest';
import { innerProductAt } from '../../inner-product.js';
import { Random } from '../../random.js';
import { CodeSearch } from './code-search.js';
import { encodeRows } from './row-codes.js';
import { CHUNK } from './scan-code.js';

/** Random rows, and what comparing all of them gives. */
function table(rows: number, width: number, draw: () => number) {
  const data = Float32Array.from({ length: rows * width }, draw);
  const codes = new CodeSearch(width, rows, (row, into) => into.set(data.subarray(row * width, (row + 1) * width)));
  let scored = 0;
  const search = (query: Float32Array, k: number, passes?: (row: number) => boolean) => {
    scored = 0;
    return codes.best(
      query,
      k,
      (rows, count, into) => {
        for (let i = 0; i < count; i++) into[i] = innerProductAt(data, rows[i]! * width, query, 0, width);
        scored += count;
      },
      passes,
    );
  };
  const best = (query: Float32Array, k: number, passes: (row: number) => boolean = () => true) => {
    const score = (row: number) => Math.fround(innerProductAt(data, row * width, query, 0, width));
    const scores = Float64Array.from({ length: rows }, (_, row) =>
      passes(row) ? score(row) : Number.NEGATIVE_INFINITY,
    );
    const last = scores.slice().sort().at(-k) ?? Number.NEGATIVE_INFINITY;
    return Array.from({ length: rows }, (_, row) => row).filter((row) => passes(row) && scores[row]! >= last);
  };
  return { codes, search, scored: () => scored, best };
}

test('whatever belongs to the best is among the candidates, equal ones too, and only what passes', () => {
  const cases = fc.record({
    rows: fc.integer({ min: 1, max: 200 }),
    width: fc.integer({ min: 1, max: 20 }),
    k: fc.integer({ min: 1, max: 220 }),
    whole: fc.boolean(),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(cases, ({ rows, width, k, whole, seed }) => {
      const random = Random.of(seed, 'codes');
      const draw = () => (whole ? random.below(3) - 1 : random.normal() * 10 ** (random.below(5) - 2));
      const { search, best } = table(rows, width, draw);
      const query = Float32Array.from({ length: width }, draw);
      const passes = (row: number) => (row + seed) % 3 !== 0;
      for (const test of [undefined, passes]) {
        const found = search(query, k, test);
        expect(found).toEqual(found.slice().sort());
        expect([...found]).toEqual(expect.arrayContaining(best(query, k, test)));
        if (test !== undefined) expect(found.every(test)).toBe(true);
      }
    }),
  );
});

test('over several calls few are scored', () => {
  const random = Random.of(1, 'codes');
  const rows = CHUNK + 5000;
  const { search, scored, best } = table(rows, 24, () => random.normal());
  const query = Float32Array.from({ length: 24 }, () => random.normal());
  expect([...search(query, 100)]).toEqual(best(query, 100));
  expect(scored()).toBeLessThan(400);
  // One vector over and over: nobody can tell them apart.
  const same = table(rows, 3, () => 1);
  expect(same.search(Float32Array.of(1, 2, 3), 10)).toHaveLength(rows);
});

test('rows that change are found by what they are now, beyond what there was and after the last', () => {
  const values = Array.from({ length: 100 }, (_, row) => Float32Array.of(row / 100, 0));
  const nothing = new Float32Array(2);
  const codes = new CodeSearch(2, 100, (row, into) => into.set(values[row] ?? nothing));
  const search = (query: Float32Array, k: number, passes?: (row: number) => boolean) => {
    const score = (rows: Int32Array, count: number, into: Float32Array) => {
      for (let i = 0; i < count; i++) into[i] = innerProductAt(values[rows[i]!] ?? nothing, 0, query, 0, 2);
    };
    return [...codes.best(query, k, score, passes)];
  };
  values[7] = Float32Array.of(0.995, 0);
  codes.changed(7);
  expect(search(Float32Array.of(1, 0), 1)).toContain(7);
  values[300] = Float32Array.of(2, 50);
  codes.changed(300);
  expect(search(Float32Array.of(1, 0), 1)).toEqual([300]);
  expect(search(Float32Array.of(0, -1), 1)).not.toContain(300);
  values[8] = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY);
  codes.changed(8);
  expect(search(Float32Array.of(1, 0), 1, (row) => row !== 8)).toEqual([300]);
});

test('of a large table that varies along few directions these are compared, and the best are among the candidates', () => {
  const random = Random.of(1, 'codes', 'large');
  const [rows, width] = [140_000, 20];
  const mixed = Array.from({ length: 3 }, () => Float64Array.from({ length: width }, () => random.normal()));
  let i = 0;
  let along = [0, 0, 0];
  const { codes, search, scored, best } = table(rows, width, () => {
    const column = i++ % width;
    if (column === 0) along = along.map(() => random.normal());
    return mixed.reduce((sum, direction, j) => sum + along[j]! * direction[column]!, 5) + 0.02 * random.normal();
  });
  expect(codes.bytesOfRow).toBe(8);
  const few = (row: number) => row % 1000 === 3;
  for (const k of [1, 100]) {
    const query = Float32Array.from({ length: width }, () => random.normal());
    expect([...search(query, k)]).toEqual(best(query, k));
    expect(scored()).toBeLessThan(100 + 2 * k);
    expect([...search(query, k, few)]).toEqual(best(query, k, few));
  }
});

test('a guess that is too high passes over nothing', () => {
  const rows = 64 * 4096;
  // Good rows stand just where the sample looks; there are too few of them.
  const isGood = (row: number) => Math.floor(row / 64) % 16 === 0 && row % 64 < 8;
  let row = 0;
  const { search, scored, best } = table(rows, 1, () => (isGood(row++) ? 2 : 1 + (row % 1000) / 5000));
  const query = Float32Array.of(1);
  const k = 5000;
  expect([...search(query, k)]).toEqual(best(query, k));
  expect(scored()).toBeLessThan(rows / 4);
});

test.each([
  [300, 7, 8],
  [140_000, 20, 8],
])('codes that were made before are those that it would make itself: %s rows', (rows, width, bytes) => {
  const random = Random.of(2, 'codes', 'made');
  const data = Float32Array.from({ length: rows * width }, (_, i) => (i % width < 3 ? random.normal() : 1));
  let reads = 0;
  const read = (row: number, into: Float32Array) => {
    reads++;
    into.set(data.subarray(row * width, (row + 1) * width));
  };
  const made = structuredClone(encodeRows(width, rows, read));
  const itself = new CodeSearch(width, rows, read);
  reads = 0;
  const given = new CodeSearch(width, rows, read, made);
  expect([reads, given.bytesOfRow]).toEqual([0, bytes]);
  const query = Float32Array.from({ length: width }, () => random.normal());
  const score = (rows: Int32Array, count: number, into: Float32Array) => {
    for (let i = 0; i < count; i++) into[i] = innerProductAt(data, rows[i]! * width, query, 0, width);
  };
  expect(given.best(query, 20, score)).toEqual(itself.best(query, 20, score));
  // Goes on from there, within what was measured and beyond.
  for (const size of [0.5, 50]) {
    data.set(
      query.map((value) => size * value),
      5 * width,
    );
    for (const search of [itself, given]) search.changed(5);
    expect(given.best(query, 20, score)).toEqual(itself.best(query, 20, score));
  }
  expect(given.best(query, 1, score)).toContain(5);
});
