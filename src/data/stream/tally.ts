import type { EventTable, WindowSize } from '../dataset.js';
import type { EventColumns } from '../event-columns.js';
import { eventStages, type StageLevels } from '../levels.js';
import { type Cut, type PartSizes, partOf } from '../parts.js';
import { windowOf } from './window-file.js';

/** What must be known of the whole log before any window is opened, counted as the events go by. */
export class Tally {
  readonly windows: WindowSize[];
  readonly itemCounts: Uint32Array;
  readonly trainedStages = new Set<number>();
  /** Feedback with another value than 0 and 1. */
  readonly graded = new Set<string>();
  seenUntil = Number.NEGATIVE_INFINITY;
  /** All events, shown or not. */
  readonly parts: PartSizes = {
    train: 0,
    validation: 0,
    test: 0,
    low: Number.POSITIVE_INFINITY,
    high: Number.NEGATIVE_INFINITY,
  };
  /** Time of each user's first event, +Infinity where there is none. */
  readonly first: Float64Array;

  constructor(
    private readonly cut: Cut,
    private readonly levels: StageLevels,
    sizes: { windows: number; users: number; items: number },
  ) {
    this.windows = Array.from({ length: sizes.windows }, () => ({ events: 0, train: 0, validation: 0, test: 0 }));
    this.itemCounts = new Uint32Array(sizes.items);
    this.first = new Float64Array(sizes.users).fill(Number.POSITIVE_INFINITY);
  }

  /** Counts the first `count` events of some columns. @returns the window of each */
  add({ user, item, time, cut, logged, feedback }: EventColumns, count: number): Uint32Array {
    const { windows, parts, first, levels } = this;
    const stage: EventTable['stage'] = eventStages(levels, feedback, count, logged?.subarray(0, count));
    const placed = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const key = (cut ?? time)[i]!;
      const own = user[i]!;
      placed[i] = windowOf(own, windows.length);
      const window = windows[placed[i]!]!;
      window.events++;
      first[own] = Math.min(first[own]!, time[i]!);
      parts.low = Math.min(parts.low, key);
      parts.high = Math.max(parts.high, key);
      const part = partOf(this.cut, key);
      if (part === undefined) continue;
      parts[part]++;
      if (stage[i]! < levels.shown) continue;
      window[part]++;
      if (part !== 'test') this.seenUntil = Math.max(this.seenUntil, time[i]!);
      if (part !== 'train') continue;
      this.itemCounts[item[i]!]!++;
      this.trainedStages.add(stage[i]!);
    }
    for (const [name, values] of feedback) {
      for (let i = 0; i < count && !this.graded.has(name); i++) {
        if (values[i] !== 0 && values[i] !== 1) this.graded.add(name);
      }
    }
    return placed;
  }
}
