import type { FeedArray, Feeds } from '../../schema.js';
import { isFar } from './far.js';
import type { SharedStates, StateLayout } from './item-states.js';

/** Rows of which all states are copied before the next ones: what lies side by side is then still in the cache. */
const TOGETHER = 32;

/** Doubles, and words, that the processor fetches together. */
const LINE = { doubles: 8, words: 16 } as const;

/** One state's block, seen as what it is copied as and as what it is. */
interface Target {
  layout: StateLayout;
  /** Absent where two values cannot be copied as one. */
  doubles: Float64Array | undefined;
  words: Int32Array;
  values: FeedArray;
}

/** Copies rows of states into one block of feeds. ONNX Runtime takes no shared memory, so that candidates are gathered anyway. */
export class StateGatherer {
  private readonly targets = new Map<string, Target>();

  /** @param names of the states that are read */
  gather(
    { memory, stride, layout }: SharedStates,
    names: readonly string[],
    rows: Int32Array,
    count: number,
    feeds: Feeds,
  ): void {
    const targets = names.map((name) => this.target(name, layout[name]!, count));
    const doubles = new Float64Array(memory);
    const words = new Int32Array(memory);
    for (let from = 0; from < count; from += TOGETHER) {
      const to = Math.min(count, from + TOGETHER);
      for (const { layout, ...target } of targets) {
        const { offset, width } = layout;
        if (target.doubles === undefined) copyWords(words, stride, offset, width, rows, from, to, target.words);
        else copyDoubles(doubles, stride / 2, offset / 2, width / 2, rows, from, to, target.doubles);
      }
    }
    for (const [i, name] of names.entries()) {
      const { layout, values } = targets[i]!;
      feeds[name] = { data: values.subarray(0, count * layout.width), shape: [count, ...layout.shape] };
    }
  }

  private target(name: string, layout: StateLayout, count: number): Target {
    const found = this.targets.get(name);
    if (found !== undefined && found.values.length >= count * layout.width) return found;
    const memory = new ArrayBuffer(8 * Math.ceil((1.25 * count * layout.width + 1) / 2));
    const isFloat = layout.type === 'float32';
    const target = {
      layout,
      // A double that is NaN may lose its bits on the way, and two whole numbers may look like one; two finite floats never do.
      doubles: isFloat && layout.width % 2 === 0 ? new Float64Array(memory) : undefined,
      words: new Int32Array(memory),
      values: isFloat ? new Float32Array(memory) : new Int32Array(memory),
    };
    this.targets.set(name, target);
    return target;
  }
}

// Two functions that look alike: one that is called with both kinds of arrays is compiled for neither. What a first look leaves in
// the target is written over.

function copyDoubles(
  data: Float64Array,
  stride: number,
  offset: number,
  width: number,
  rows: Int32Array,
  from: number,
  to: number,
  target: Float64Array,
): void {
  let at = from * width;
  const looksAhead = isFar(data.byteLength);
  for (let i = from; looksAhead && i < to; i++) {
    const start = rows[i]! * stride + offset;
    let looked = 0;
    for (let source = start; source < start + width; source += LINE.doubles) looked += data[source]!;
    target[at + i - from] = looked;
  }
  for (let i = from; i < to; i++) {
    let source = rows[i]! * stride + offset;
    const end = source + width;
    for (; source + 3 < end; source += 4, at += 4) {
      target[at] = data[source]!;
      target[at + 1] = data[source + 1]!;
      target[at + 2] = data[source + 2]!;
      target[at + 3] = data[source + 3]!;
    }
    for (; source < end; source++, at++) target[at] = data[source]!;
  }
}

function copyWords(
  data: Int32Array,
  stride: number,
  offset: number,
  width: number,
  rows: Int32Array,
  from: number,
  to: number,
  target: Int32Array,
): void {
  let at = from * width;
  const looksAhead = isFar(data.byteLength);
  for (let i = from; looksAhead && i < to; i++) {
    const start = rows[i]! * stride + offset;
    let looked = 0;
    for (let source = start; source < start + width; source += LINE.words) looked += data[source]!;
    target[at + i - from] = looked;
  }
  for (let i = from; i < to; i++) {
    let source = rows[i]! * stride + offset;
    const end = source + width;
    for (; source + 3 < end; source += 4, at += 4) {
      target[at] = data[source]!;
      target[at + 1] = data[source + 1]!;
      target[at + 2] = data[source + 2]!;
      target[at + 3] = data[source + 3]!;
    }
    for (; source < end; source++, at++) target[at] = data[source]!;
  }
}
