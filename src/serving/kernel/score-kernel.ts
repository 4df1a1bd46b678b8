import { type Assembled, instantiate } from '../../assembler.js';
import type { Feeds } from '../../schema.js';
import { isFar } from '../engine/far.js';
import type { SharedStates } from '../engine/item-states.js';
import { type CompiledScore, type ScoreLayout, SIDE_BY_SIDE, TOGETHER } from './compiled-score.js';
import { SHARED } from './views.js';

/** Doubles that the processor fetches together. */
const LINE = 8;

/** A compiled score part with a memory of its own. */
export class ScoreKernel {
  private readonly floats: Float32Array;
  private readonly doubles: Float64Array;
  private user: Feeds | undefined;

  private constructor(
    private readonly layout: ScoreLayout,
    private readonly run: Assembled['run'],
    memory: ArrayBuffer,
  ) {
    this.floats = new Float32Array(memory);
    this.doubles = new Float64Array(memory);
  }

  /** @throws WebAssembly.CompileError where the processor has no vectors */
  static create({ bytes, layout, constants }: CompiledScore): ScoreKernel {
    const { run, memory } = instantiate(bytes);
    const kernel = new ScoreKernel(layout, run, memory.buffer);
    for (const { at, values } of constants) kernel.floats.set(values, at / SHARED);
    return kernel;
  }

  /** Logits of one request against rows of the catalogue, into the first `count` places. */
  score(user: Feeds, { memory, stride }: SharedStates, rows: Int32Array, count: number, into: Float32Array): void {
    const { layout, floats } = this;
    if (user !== this.user) {
      for (const { name, view } of layout.user) floats.set(user[name]!.data as Float32Array, view.at / SHARED);
      this.user = user;
    }
    const source = new Float64Array(memory);
    const target = this.doubles.subarray(layout.rows / 8);
    for (let from = 0; from < count; from += TOGETHER) {
      const to = Math.min(count, from + TOGETHER);
      copyRows(source, stride / 2, layout, rows, from, to, target);
      this.run(Math.ceil((to - from) / SIDE_BY_SIDE));
      const at = layout.logits / SHARED;
      for (let i = from; i < to; i++) into[i] = floats[at + i - from]!;
    }
  }
}

/** Two values at a time: the item states that are scored are finite floats, of which two never look like a double that is NaN. */
function copyRows(
  source: Float64Array,
  stride: number,
  { first, read, width }: ScoreLayout,
  rows: Int32Array,
  from: number,
  to: number,
  target: Float64Array,
): void {
  const count = read / 2;
  const looksAhead = isFar(source.byteLength);
  for (let i = from; looksAhead && i < to; i++) {
    const start = rows[i]! * stride + first / 2;
    let looked = source[start + count - 1]!;
    for (let k = start; k < start + count; k += LINE) looked += source[k]!;
    // What is not kept would not be read. The row is written over it.
    target[((i - from) * width) / 2] = looked;
  }
  for (let i = from; i < to; i++) {
    let k = rows[i]! * stride + first / 2;
    let at = ((i - from) * width) / 2;
    const end = k + count;
    for (; k + 3 < end; k += 4, at += 4) {
      target[at] = source[k]!;
      target[at + 1] = source[k + 1]!;
      target[at + 2] = source[k + 2]!;
      target[at + 3] = source[k + 3]!;
    }
    for (; k < end; k++, at++) target[at] = source[k]!;
  }
}
