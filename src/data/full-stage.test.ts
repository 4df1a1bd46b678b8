import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../random.js';
import type { Candidates } from './candidates.js';
import type { Dataset } from './dataset.js';
import { type FullStageOptions, fullStageSamples } from './full-stage.js';
import { generateDataset } from './generate.js';
import { separateUnshown } from './levels.js';
import { minedBefore } from './mined.js';
import { requestLists } from './request-lists.js';
import type { SampleTable } from './samples.js';
import { popularitySampler, uniformSampler } from './sampling.js';

const STAGES = ['corpus', 'retrieved', 'ranked', 'shown', 'click'];
const SHOWN = 3;

/** A log of few users and items, in which a third of the training events was never shown. */
function log(seed: number, requests: boolean): Dataset {
  const base = generateDataset({ users: 5, items: 12, events: 150, days: 2, eventsPerRequest: 5, seed, requests });
  const random = Random.of(seed, 'stages');
  const stage = new Uint8Array(base.events.count);
  const click = base.events.feedback.get('click')!.slice();
  const training = new Set(base.splits.train);
  for (let row = 0; row < stage.length; row++) {
    const level = training.has(row) ? 1 + random.below(6) : SHOWN;
    stage[row] = level < SHOWN ? level : SHOWN + click[row]!;
    if (level < SHOWN) click[row] = 0;
  }
  const events = { ...base.events, stage, feedback: new Map([['click', click]]) };
  return { ...base, stages: STAGES, shown: SHOWN, events, ...separateUnshown(base.splits, stage, SHOWN) };
}

/** Candidates for some events of the training part, sorted as the reader sorts them. */
function mine({ events, splits, items }: Dataset, seed: number): Candidates {
  const random = Random.of(seed, 'mined');
  const rows: [number, number, number, number, number][] = [];
  for (const event of splits.train) {
    if (random.below(2) === 0) continue;
    for (let rank = 0; rank < 4; rank++) {
      rows.push([event, 1 + random.below(items.count - 1), rank < 2 ? 2 : 1, rank, events.time[event]! % 7]);
    }
  }
  const column = (k: number) => rows.map((row) => row[k]!);
  return {
    file: 'mined.parquet',
    event: Uint32Array.from(column(0)),
    item: Int32Array.from(column(1)),
    stage: Uint8Array.from(column(2)),
    rank: Uint32Array.from(column(3)),
    teacher: Float32Array.from(column(4)),
  };
}

const optionsOf = (dataset: Dataset, changes: Partial<FullStageOptions> = {}): FullStageOptions => ({
  impressions: 2,
  candidates: 3,
  randoms: 4,
  choose: 'random',
  window: 7200,
  seed: 1,
  sampler: uniformSampler(dataset.items.count),
  ...changes,
});

interface Row {
  event: number;
  item: number;
  label: number;
  stage: number;
  logged: number;
  teacher: number | undefined;
}

function listsOf({ offsets, teacher, ...columns }: SampleTable): Row[][] {
  const row = (r: number): Row => ({
    event: columns.event[r]!,
    item: columns.item[r]!,
    label: columns.label[r]!,
    stage: columns.stage[r]!,
    logged: columns.logged[r]!,
    teacher: teacher?.[r],
  });
  return Array.from(offsets.subarray(1), (to, l) =>
    Array.from({ length: to - offsets[l]! }, (_, i) => row(offsets[l]! + i)),
  );
}

/** What a request has, by item: the furthest stage of each, found the plain way. */
function requestsOf(dataset: Dataset, window: number, mined?: Candidates) {
  const { events, splits, unshown } = dataset;
  const rows = Uint32Array.from([...splits.train, ...(unshown?.train ?? [])]).sort();
  const lists = requestLists(dataset, rows, window);
  const first = (row: number) =>
    events.request === undefined
      ? row
      : events.request.findIndex((r, e) => r === events.request![row] && events.user[e] === events.user[row]);
  return Array.from(lists.offsets.subarray(1), (to, l) => {
    const own = [...lists.events.subarray(lists.offsets[l]!, to)];
    const shown = new Map<number, number>();
    const unseen = new Map<number, number>();
    for (const row of own) {
      const [of, stage] = [events.stage[row]! >= SHOWN ? shown : unseen, events.stage[row]!];
      of.set(events.item[row]!, Math.max(stage, of.get(events.item[row]!) ?? 0));
    }
    const time = events.time[first(own[0]!)]!;
    let found: number | undefined;
    mined?.event.forEach((event) => {
      const at = events.time[first(event)]!;
      if (events.user[event] !== events.user[own[0]!] || at > time || time - at > window) return;
      if (found === undefined || at >= events.time[first(found)]!) found = event;
    });
    mined?.event.forEach((event, m) => {
      const [item, stage] = [mined.item[m]!, mined.stage[m]!];
      if (event === found && !own.some((row) => events.stage[row]! < SHOWN && events.item[row] === item))
        unseen.set(item, Math.max(stage, unseen.get(item) ?? 0));
    });
    for (const item of shown.keys()) unseen.delete(item);
    return { leader: own[0]!, shown, unseen };
  }).filter(({ shown }) => shown.size > 0);
}

const sets = fc.record({
  seed: fc.nat(1000),
  requests: fc.boolean(),
  mined: fc.boolean(),
  impressions: fc.integer({ min: 1, max: 5 }),
  candidates: fc.nat(6),
  randoms: fc.nat(12),
  choose: fc.constantFrom('random' as const, 'rank' as const),
  window: fc.constantFrom(0, 3600, 1e9),
});

test('every list holds what its request has, each item once, at the furthest it came (brute-force twin)', () => {
  fc.assert(
    fc.property(sets, ({ seed, requests, mined: withMined, ...changes }) => {
      const dataset = log(seed, requests);
      const mined = withMined ? mine(dataset, seed) : undefined;
      const lists = listsOf(fullStageSamples(dataset, optionsOf(dataset, { ...changes, seed, mined })));
      const expected = requestsOf(dataset, changes.window, mined);
      expect(lists.map((list) => list[0]!.event)).toEqual(expected.map(({ leader }) => leader));
      lists.forEach((list, l) => {
        const { leader, shown, unseen } = expected[l]!;
        expect(new Set(list.map(({ item }) => item)).size).toBe(list.length);
        const [seen, considered, random] = [
          list.filter(({ stage }) => stage >= SHOWN),
          list.filter(({ stage }) => stage > 0 && stage < SHOWN),
          list.filter(({ stage }) => stage === 0),
        ];
        expect(list).toEqual([...seen, ...considered, ...random]);
        expect(seen.length).toBe(Math.min(shown.size, changes.impressions));
        expect(considered.length).toBe(Math.min(unseen.size, changes.candidates));
        expect(random.length).toBeLessThanOrEqual(changes.randoms);
        for (const row of seen) expect(row.stage).toBe(shown.get(row.item));
        for (const row of considered) expect(row.stage).toBe(unseen.get(row.item));
        for (const row of random) expect(shown.has(row.item) || unseen.has(row.item)).toBe(false);
        // No positive is left out for something else.
        const positives = [...shown.values()].filter((stage) => stage > SHOWN).length;
        expect(seen.filter(({ label }) => label > 0).length).toBe(Math.min(positives, changes.impressions));
        if (changes.choose === 'rank') {
          const best = [...unseen.values()].sort((a, b) => b - a).slice(0, changes.candidates);
          expect(considered.map(({ stage }) => stage)).toEqual(best);
        }
        for (const row of list) {
          expect(row.event).toBe(leader);
          if (row.logged < 0) expect([row.label, row.stage < SHOWN]).toEqual([0, true]);
          else {
            const { item, stage, feedback } = dataset.events;
            const { logged } = row;
            expect([row.item, row.stage]).toEqual([item[logged], stage[logged]]);
            expect(row.label).toBe(feedback.get('click')![logged]);
          }
        }
      });
    }),
    { seed: 3, numRuns: 60 },
  );
});

describe('what is drawn', () => {
  const dataset = log(5, true);
  const mined = mine(dataset, 5);
  const draw = (changes: Partial<FullStageOptions> = {}, of = dataset) =>
    fullStageSamples(of, optionsOf(of, { mined, ...changes }));

  test('follows from the seed', () => {
    expect(draw()).toEqual(draw());
    expect(draw({ seed: 2 })).not.toEqual(draw());
  });

  test('does not depend on the rest of the log', () => {
    const { splits, unshown } = dataset;
    const keep = (row: number) => dataset.events.user[row] !== 2;
    const fewer = {
      ...dataset,
      splits: { ...splits, train: splits.train.filter(keep) },
      unshown: { ...unshown!, train: unshown!.train.filter(keep) },
    };
    const others = listsOf(draw()).filter(([row]) => keep(row!.event));
    expect(others.length).toBeGreaterThan(3);
    expect(listsOf(draw({}, fewer))).toEqual(others);
  });

  test('more randoms change nothing else', () => {
    const without = (table: SampleTable) => listsOf(table).map((list) => list.filter(({ stage }) => stage > 0));
    expect(without(draw({ randoms: 9 }))).toEqual(listsOf(draw({ randoms: 0 })));
  });

  test('candidates bring the scores of the teacher that mined, and nothing else has any', () => {
    const rows = listsOf(draw({ candidates: 100 })).flat();
    const taught = rows.filter(({ teacher }) => !Number.isNaN(teacher));
    expect(taught.length).toBeGreaterThan(10);
    expect(taught.every(({ logged, stage }) => logged === -1 && stage > 0 && stage < SHOWN)).toBe(true);
    expect(draw({ mined: undefined }).teacher).toBeUndefined();
    // Mined without a teacher: whoever learns from one must be told that there is none.
    const untaught = { ...mined, teacher: mined.teacher.map(() => Number.NaN) };
    expect(draw({ mined: untaught, candidates: 100 }).teacher).toBeUndefined();
  });

  test('each impression that is not positive, and each candidate, is as likely as the others', () => {
    const few = log(11, true);
    const counts = new Map<number, number>();
    const requests = requestsOf(few, 0);
    const at = requests.findIndex(({ shown, unseen }) => unseen.size >= 3 && shown.size >= 2);
    const times = 600;
    for (let seed = 0; seed < times; seed++) {
      const list = listsOf(fullStageSamples(few, optionsOf(few, { seed, candidates: 1, randoms: 0, impressions: 1 })))[
        at
      ]!;
      for (const { item } of list.filter(({ stage }) => stage < SHOWN)) counts.set(item, (counts.get(item) ?? 0) + 1);
    }
    const { unseen } = requests[at]!;
    expect([...counts.keys()].sort()).toEqual([...unseen.keys()].sort());
    const expected = times / unseen.size;
    for (const count of counts.values()) expect(Math.abs(count - expected)).toBeLessThan(5 * Math.sqrt(expected));
  });

  test('randoms come as the sampler draws them', () => {
    const counts = new Uint32Array(dataset.items.count);
    counts[3] = 1;
    const only = draw({ sampler: popularitySampler(counts), randoms: 5, impressions: 1, mined: undefined });
    const randoms = listsOf(only).map((list) => list.filter(({ stage }) => stage === 0).map(({ item }) => item));
    expect(randoms.some((list) => list.length === 1)).toBe(true);
    expect(new Set(randoms.flat())).toEqual(new Set([3]));
  });

  test('mined candidates that fit no list are an error', () => {
    const late = { ...mined, event: mined.event.map(() => dataset.splits.train.at(-1)!) };
    const early = { ...dataset, splits: { ...dataset.splits, train: dataset.splits.train.subarray(0, 20) } };
    expect(() => draw({ mined: late }, early)).toThrow('none of its');
  });
});

test('mined candidates are those of the same user at that time or shortly before, never after', () => {
  const dataset = generateDataset({ users: 3, items: 5, events: 6, requests: false });
  dataset.events.user.set([1, 1, 2, 1, 1, 2]);
  dataset.events.time.set([0, 10, 10, 30, 100, 100]);
  const mined = { ...mine(dataset, 1), event: Uint32Array.of(0, 0, 1, 2, 4) };
  const find = minedBefore(dataset, mined, 25);
  expect(find(1, 0)).toMatchObject({ from: 0, to: 2 });
  expect(find(1, 9)).toMatchObject({ from: 0, to: 2 });
  expect(find(1, 35)).toMatchObject({ from: 2, to: 3 });
  expect(find(1, 36)).toBeUndefined();
  expect(find(1, 99)).toBeUndefined();
  expect(find(2, 9)).toBeUndefined();
  expect(find(3, 100)).toBeUndefined();
});
