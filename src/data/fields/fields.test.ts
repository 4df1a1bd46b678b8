import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldKind, fieldKinds } from './index.js';
import { canonicalNumber, canonicalText, type Field, type NumberKind, type VocabularyKind } from './kind.js';
import { secondsFromRaw } from './sql.js';

const time = { column: 'at', unit: 'ms' as const, utcOffset: 8 };

function fieldOf(kind: string, options: Record<string, unknown> = {}): Field {
  return { name: 'f', owner: 'item', kind, column: 'f', options: fieldKind(kind).options.parse(options), time };
}

/** Fits a kind of numbers on values that each occurred once. */
async function fitNumbers(kind: string, values: number[], options = {}) {
  const numbers = fieldKind(kind) as NumberKind<unknown, unknown>;
  const distinct = Float64Array.from(new Set(values)).sort();
  const counts = distinct.map((value) => values.filter((one) => one === value).length);
  const state = await numbers.fit(fieldOf(kind, options), {
    total: async () => values.length,
    async *chunks() {
      // Two chunks, so that a kind cannot rely on seeing everything at once.
      for (const [from, to] of [
        [0, 2],
        [2, undefined],
      ] as const)
        yield { values: distinct.slice(from, to), counts: counts.slice(from, to) };
    },
  });
  return { numbers, state };
}

describe('numeric', () => {
  it('cuts at the quantiles of the training part', async () => {
    const { numbers, state } = await fitNumbers('numeric', [1, 2, 3, 4, 5, 6, 7, 8], { buckets: 4 });
    expect(state).toEqual({ encoding: 'id', edges: [3, 5, 7] });
    const rows = [0, 1, 2.9, 3, 6.9, 7, 1e9, Number.NaN].map((value) => numbers.encodeRaw(value, state, () => 0)[0]);
    expect(rows).toEqual([1, 1, 1, 2, 3, 4, 4, 0]);
    expect(numbers.feature(fieldOf('numeric'), state, () => 0)).toMatchObject({
      encoding: 'id',
      vocabulary: 'item.f',
      size: 5,
    });
  });

  it('leaves no bucket without training values, whatever they are', async () => {
    const values = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(values, fc.integer({ min: 2, max: 12 }), async (numbersSeen, buckets) => {
        const { numbers, state } = await fitNumbers('numeric', numbersSeen, { buckets });
        const { size } = numbers.feature(fieldOf('numeric'), state, () => 0) as { size: number };
        const used = new Set(numbersSeen.map((value) => numbers.encodeRaw(value, state, () => 0)[0]));
        expect([...used].sort((a, b) => a! - b!)).toEqual(Array.from({ length: size - 1 }, (_, i) => i + 1));
      }),
      { numRuns: 100 },
    );
  });

  it('standardises by the training mean and deviation; a missing value is the mean', async () => {
    const { numbers, state } = await fitNumbers('numeric', [2, 4, 4, 4, 5, 5, 7, 9], { standardise: true });
    expect(state).toMatchObject({ mean: 5, deviation: 2 });
    expect([9, 5, null, 'x', '3'].map((value) => numbers.encodeRaw(value, state, () => 0)[0])).toEqual([
      2, 0, 0, 0, -1,
    ]);
    const constant = await fitNumbers('numeric', [3, 3], { standardise: true });
    expect(constant.numbers.encodeRaw(3, constant.state, () => 0)).toEqual([0]);
    const logs = await fitNumbers('numeric', [0, Math.E - 1], { standardise: true, log: true });
    expect(logs.state).toMatchObject({ mean: 0.5, deviation: 0.5 });
  });
});

describe('hour-of-day and weekday', () => {
  it('stand at the local clock', async () => {
    const monday = Date.UTC(2022, 4, 2, 0, 30) / 1e3; // Monday 00:30 in Greenwich, 08:30 at +8
    const hours = await fitNumbers('hour-of-day', [monday, monday + 3600]);
    expect(
      [monday * 1e3, monday * 1e3 + 3600e3, monday * 1e3 + 7200e3, 'x'].map(
        (at) => hours.numbers.encodeRaw(at, hours.state, () => 0)[0],
      ),
    ).toEqual([9, 10, 0, 0]);
    const days = await fitNumbers('weekday', [monday, monday + 6 * 86400]);
    expect(
      [0, 1, 6].map((day) => days.numbers.encodeRaw((monday + day * 86400) * 1e3, days.state, () => 0)[0]),
    ).toEqual([1, 0, 7]);
  });
});

describe('categorical and multi-categorical', () => {
  const rowOf = (vocabulary: string, value: string) => (vocabulary === 'tags' ? ['', 'a', '7'].indexOf(value) : -1);
  const rows = (value: string) => Math.max(0, rowOf('tags', value));

  it('find rows by canonical text', () => {
    const kind = fieldKind('categorical') as VocabularyKind<unknown, unknown>;
    const state = kind.fit(fieldOf('categorical', { vocabulary: 'tags' }), 1);
    const encoded = ['a', 7, 7n, '7.0', 'b', null, {}].map(
      (value) => kind.encodeRaw(value, state, (_, text) => rows(text))[0],
    );
    expect(encoded).toEqual([1, 2, 2, 2, 0, 0, 0]);
  });

  it('split text, keep unknown entries as row 0, and stop at maxLength', () => {
    const kind = fieldKind('multi-categorical') as VocabularyKind<unknown, unknown>;
    const state = kind.fit(fieldOf('multi-categorical', { vocabulary: 'tags' }), 3);
    const encoded = ['a, 7', ['a', 7], 'b,a,,7,a', '', null, 7].map((value) =>
      kind.encodeRaw(value, state, (_, text) => rows(text)),
    );
    expect(encoded).toEqual([[1, 2], [1, 2], [0, 1, 2], [], [], [2]]);
    expect(kind.feature(fieldOf('multi-categorical'), state, () => 3)).toMatchObject({
      maxLength: 3,
      size: 3,
      vocabulary: 'tags',
    });
  });
});

describe('every kind', () => {
  it('never throws on a raw value', async () => {
    for (const name of Object.keys(fieldKinds)) {
      const kind = fieldKind(name);
      const state = kind.input === 'number' ? (await fitNumbers(name, [1, 2, 3])).state : kind.fit(fieldOf(name), 2);
      fc.assert(
        fc.property(fc.anything({ withBigInt: true, withDate: true }), (value) => {
          for (const number of kind.encodeRaw(value, state, () => 0)) expect(Number.isFinite(number)).toBe(true);
        }),
        { numRuns: 200 },
      );
    }
  });

  it('is named when it is not registered', () => {
    expect(() => fieldKind('numerical')).toThrow('there is no field kind "numerical", did you mean "numeric"?');
  });
});

describe('raw values', () => {
  it('become canonical text and numbers', () => {
    expect([' a', '12.0', 12, -0, true, Number.NaN, '', undefined].map(canonicalText)).toEqual([
      ' a',
      '12',
      '12',
      '0',
      'true',
      null,
      null,
      null,
    ]);
    expect([' 4 ', 4n, true, 'True', '', 'x', Infinity].map(canonicalNumber)).toEqual([
      4,
      4,
      1,
      1,
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
  });

  it('become seconds', () => {
    expect(secondsFromRaw(1500, 'ms')).toBe(1.5);
    expect(secondsFromRaw('1500', 'ms')).toBe(1.5);
    expect(secondsFromRaw('2022-05-06T00:00:00+08:00', 'iso')).toBe(1651766400);
    expect(secondsFromRaw('2022-05-05 16:00:00', 'iso')).toBe(1651766400);
    expect(secondsFromRaw('soon', 'iso')).toBeNaN();
  });
});
