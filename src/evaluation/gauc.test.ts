import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GroupAuc, gauc } from './gauc.js';

interface Row {
  score: number;
  label: number;
  group: number;
}

function run(rows: Row[], weighting?: 'impressions' | 'equal'): GroupAuc {
  return gauc(
    Float32Array.from(rows, ({ score }) => score),
    rows.map(({ label }) => label),
    Int32Array.from(rows, ({ group }) => group),
    weighting === undefined ? {} : { weighting },
  );
}

/** Filters the rows of each group and looks at every pair. */
function gaucByPairs(rows: Row[], weighting: 'impressions' | 'equal'): GroupAuc {
  const groups = [...new Set(rows.map(({ group }) => group))];
  const counted = groups.flatMap((group) => {
    const own = rows.filter((row) => row.group === group);
    const pairs = own.flatMap((a) => own.filter((b) => a.label === 1 && b.label === 0).map((b) => a.score - b.score));
    if (pairs.length === 0) return [];
    const won = pairs.filter((gap) => gap > 0).length + pairs.filter((gap) => gap === 0).length / 2;
    return [{ size: own.length, value: won / pairs.length }];
  });
  const weight = ({ size }: { size: number }) => (weighting === 'equal' ? 1 : size);
  const weights = counted.reduce((sum, group) => sum + weight(group), 0);
  const value = counted.reduce((sum, group) => sum + weight(group) * group.value, 0) / weights;
  return {
    value: counted.length === 0 ? undefined : value,
    groupsCounted: counted.length,
    groupsTotal: groups.length,
    samplesCounted: counted.reduce((sum, { size }) => sum + size, 0),
  };
}

// User 2 has 2 samples and AUC 1; user 5 has 4 samples and AUC (2 + 0.5) / 4; user 0 has only negatives; user 7 only a positive.
const example: Row[] = [
  { group: 2, score: 0.9, label: 1 },
  { group: 5, score: 0.1, label: 0 },
  { group: 0, score: 0.8, label: 0 },
  { group: 5, score: 0.5, label: 1 },
  { group: 2, score: 0.2, label: 0 },
  { group: 5, score: 0.5, label: 0 },
  { group: 7, score: 0.3, label: 1 },
  { group: 5, score: 0.3, label: 1 },
];

describe('gauc', () => {
  it('weighs by impressions unless told: (2 * 1 + 4 * 0.625) / 6', () => {
    expect(run(example)).toEqual({ value: 0.75, groupsCounted: 2, groupsTotal: 4, samplesCounted: 6 });
  });

  it('weighs groups equally on request: (1 + 0.625) / 2', () => {
    expect(run(example, 'equal').value).toBe(0.8125);
  });

  it('is exactly 0.5 for a score that depends on the user alone, whatever its AUC', () => {
    const rows = example.map((row) => ({ ...row, score: row.group === 0 ? -1 : row.group }));
    expect(run(rows).value).toBe(0.5);
  });

  it('is undefined when no group has both labels', () => {
    const oneClass = example.filter(({ group }) => group === 0 || group === 7);
    expect(run(oneClass)).toEqual({ value: undefined, groupsCounted: 0, groupsTotal: 2, samplesCounted: 0 });
    expect(run([])).toEqual({ value: undefined, groupsCounted: 0, groupsTotal: 0, samplesCounted: 0 });
  });

  it('agrees with the count of all pairs in every group', () => {
    const row = fc.record({ score: fc.integer({ min: -2, max: 2 }), label: fc.constantFrom(0, 1), group: fc.nat(5) });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 40 }), fc.constantFrom('impressions', 'equal'), (rows, weighting) => {
        const { value, ...counts } = run(rows, weighting);
        const { value: expected, ...expectedCounts } = gaucByPairs(rows, weighting);
        expect(counts).toEqual(expectedCounts);
        if (expected === undefined) expect(value).toBeUndefined();
        else expect(value).toBeCloseTo(expected, 12);
      }),
      { seed: 4 },
    );
  });

  it('names the row of a NaN score, an unusable label or a negative group', () => {
    const at = (change: Partial<Row>) => () => run([example[0]!, { ...example[1]!, ...change }]);
    expect(at({ score: Number.NaN })).toThrow(/gauc: the score of row 1 is NaN/);
    expect(at({ label: 2 })).toThrow(/gauc: the label of row 1 is 2/);
    expect(at({ group: -1 })).toThrow(/gauc: the group of row 1 is -1/);
    expect(() => gauc(new Float32Array(2), [0, 1], new Int32Array(3))).toThrow(
      'gauc: 2 scores but 2 labels but 3 groups',
    );
  });
});
