import { TwoTowerError } from '../errors.js';
import { Random } from '../random.js';
import type { Candidates } from './candidates.js';
import type { Dataset } from './dataset.js';
import { minedBefore } from './mined.js';
import { requestLists } from './request-lists.js';
import { indexRequests } from './requests.js';
import type { SampleTable } from './samples.js';
import type { ItemSampler } from './sampling.js';

/** What goes into the list of a request. */
export interface FullStageOptions {
  /** Shown items at most; positives are kept before others. */
  impressions: number;
  /** Considered and not shown: logged, or mined. At most. */
  candidates: number;
  /** Draws from the whole corpus; a draw that the request has as something else leaves the list shorter. */
  randoms: number;
  /** Which candidates where there are more: any, or those that came furthest and stood highest. */
  choose: 'random' | 'rank';
  /** Seconds: see `requestLists`, and how old mined candidates may be. */
  window: number;
  seed: number;
  /** Draws the randoms. */
  sampler: ItemSampler;
  mined?: Candidates | undefined;
}

interface Candidate {
  item: number;
  stage: number;
  rank: number;
  teacher: number;
  /** Event that logged it, or -1. */
  logged: number;
}

/**
 * Full-stage samples: for every request of the training part that showed something one list of what was shown, then of
 * candidates, then of randoms (Gu et al., "RankTower", 2024, section 3.2). An item stands once in a list, as the furthest it
 * came in that request, also where that row was left out by a limit: what was shown is neither candidate nor random.
 *
 * Drawn once and not anew for every epoch, so that a teacher's scores of the table can be kept. The list of a request follows
 * from the seed and its first event alone, and more randoms do not change which impressions and candidates are in it.
 *
 * @throws DATA_VALUE where none of the mined candidates fit any list
 */
export function fullStageSamples(dataset: Dataset, options: FullStageOptions): SampleTable {
  const { events, items, shown, stages } = dataset;
  const { seed, mined } = options;
  const label = events.feedback.get(dataset.label)!;
  const { offsets, events: rows } = requestLists(dataset, trainingRows(dataset), options.window);
  const { first } = indexRequests(dataset);
  const findMined = mined && minedBefore(dataset, mined, options.window);
  /** Number of the list, from 1, in which an item was last met. */
  const met = new Uint32Array(items.count);
  const meet = (item: number, list: number) => {
    const before = met[item] === list;
    met[item] = list;
    return !before;
  };
  const table = new Rows(rows.length + (offsets.length - 1) * (options.candidates + options.randoms));
  let fitting = 0;

  for (let l = 0; l + 1 < offsets.length; l++) {
    const list = rows.subarray(offsets[l]!, offsets[l + 1]!);
    const leader = list[0]!;
    const impressions = furthest(
      dataset,
      list.filter((row) => events.stage[row]! >= shown),
    );
    if (impressions.length === 0) continue;
    for (const row of impressions) meet(events.item[row]!, l + 1);

    const pool = list
      .filter((row) => events.stage[row]! < shown)
      .sort((a, b) => events.stage[b]! - events.stage[a]! || a - b)
      .reduce<Candidate[]>((all, row) => {
        const item = events.item[row]!;
        if (meet(item, l + 1)) all.push({ item, stage: events.stage[row]!, rank: Infinity, teacher: NaN, logged: row });
        return all;
      }, []);
    const own = findMined?.(events.user[leader]!, events.time[first(leader)]!);
    if (mined !== undefined && own !== undefined) {
      for (let m = own.from; m < own.to; m++) {
        const item = mined.item[m]!;
        const candidate = { item, stage: mined.stage[m]!, rank: mined.rank[m]!, teacher: mined.teacher[m]! };
        if (meet(item, l + 1)) pool.push({ ...candidate, logged: -1 });
      }
      fitting++;
    }

    const keep = keepPositives(impressions, label, options.impressions, Random.of(seed, 'impressions', leader));
    for (const row of keep) table.add(leader, events.item[row]!, label[row]!, events.stage[row]!, row, NaN);
    const chosen =
      options.choose === 'rank'
        ? pool.sort((a, b) => b.stage - a.stage || a.rank - b.rank).slice(0, options.candidates)
        : drawSome(pool, options.candidates, Random.of(seed, 'candidates', leader));
    for (const { item, stage, logged, teacher } of chosen) table.add(leader, item, 0, stage, logged, teacher);
    const random = Random.of(seed, 'randoms', leader);
    for (let n = 0; n < options.randoms; n++) {
      const item = options.sampler.draw(random);
      if (meet(item, l + 1)) table.add(leader, item, 0, 0, -1, NaN);
    }
    table.endList();
  }
  if (mined !== undefined && fitting === 0) {
    throw new TwoTowerError(
      'DATA_VALUE',
      `${mined.file}: none of its ${mined.item.length} candidates belongs to a request of the training part`,
      `They are for requests at most ${options.window} seconds before a list begins: mine for ${stages[shown]} events of the training part, or raise training.lists.window.`,
    );
  }
  return table.finish();
}

/** What was shown and what was not, in time order. */
function trainingRows({ splits, unshown }: Dataset): Uint32Array {
  if (unshown === undefined) return splits.train;
  const rows = new Uint32Array(splits.train.length + unshown.train.length);
  rows.set(splits.train);
  rows.set(unshown.train, splits.train.length);
  return rows.sort();
}

/** Of every item the row at which it came furthest, the earlier where that is so twice; in time order. */
function furthest({ events: { item, stage } }: Dataset, rows: Uint32Array): number[] {
  const best = new Map<number, number>();
  for (const row of rows) {
    const held = best.get(item[row]!);
    if (held === undefined || stage[row]! > stage[held]!) best.set(item[row]!, row);
  }
  return [...best.values()].sort((a, b) => a - b);
}

/** At most `count` rows: positives before others, at random among equals; in their order. */
function keepPositives(rows: number[], label: Float32Array, count: number, random: Random): number[] {
  if (rows.length <= count) return rows;
  const positives = rows.filter((row) => label[row]! > 0);
  const others = rows.filter((row) => !(label[row]! > 0));
  const kept = drawSome(positives, count, random);
  return [...kept, ...drawSome(others, count - kept.length, random)].sort((a, b) => a - b);
}

/** `count` of the values, each as likely, in their order; all where there are no more. */
function drawSome<T>(values: readonly T[], count: number, random: Random): T[] {
  if (values.length <= count) return [...values];
  const order = Array.from(values, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + random.below(order.length - i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const drawn = order.slice(0, count).sort((a, b) => a - b);
  return drawn.map((i) => values[i]!);
}

/** Columns of a table that is filled row by row. */
class Rows {
  private readonly event: Uint32Array;
  private readonly item: Int32Array;
  private readonly label: Float32Array;
  private readonly stage: Uint8Array;
  private readonly logged: Int32Array;
  private readonly teacher: Float32Array;
  private readonly offsets = [0];
  private count = 0;
  /** Whether any sample has a teacher's score. */
  private taught = false;

  constructor(most: number) {
    this.event = new Uint32Array(most);
    this.item = new Int32Array(most);
    this.label = new Float32Array(most);
    this.stage = new Uint8Array(most);
    this.logged = new Int32Array(most);
    this.teacher = new Float32Array(most);
  }

  add(event: number, item: number, label: number, stage: number, logged: number, teacher: number): void {
    const at = this.count++;
    this.event[at] = event;
    this.item[at] = item;
    this.label[at] = label;
    this.stage[at] = stage;
    this.logged[at] = logged;
    this.teacher[at] = teacher;
    this.taught ||= !Number.isNaN(teacher);
  }

  endList(): void {
    this.offsets.push(this.count);
  }

  finish(): SampleTable {
    const { event, item, label, stage, logged, teacher, taught, count } = this;
    return {
      event: event.slice(0, count),
      item: item.slice(0, count),
      label: label.slice(0, count),
      stage: stage.slice(0, count),
      logged: logged.slice(0, count),
      ...(taught && { teacher: teacher.slice(0, count) }),
      offsets: Uint32Array.from(this.offsets),
    };
  }
}
