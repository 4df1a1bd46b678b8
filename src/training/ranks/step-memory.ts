import type { DType } from '../../graph/index.js';
import type { FeedArray } from '../../schema.js';

const ARRAYS: Partial<Record<DType, new (length: number) => FeedArray>> = {
  float32: Float32Array,
  int32: Int32Array,
  bool: Uint8Array,
};

/** Memory that is used again at every step: fresh arrays of megabytes at every step cost more than what is computed in them. */
export class StepMemory {
  private readonly kept = new Map<string, FeedArray>();

  /** An array of this length whose contents are what was left there; the same memory whenever the name is asked for. */
  take(name: string, dtype: DType, length: number): FeedArray {
    let array = this.kept.get(name);
    if (array === undefined || array.length < length) {
      const Type = ARRAYS[dtype];
      if (Type === undefined) throw new RangeError(`${name} is ${dtype}, which no step hands on`);
      // A little more than asked for, so that it seldom grows again.
      array = new Type(array === undefined ? length : length + (length >> 2));
      this.kept.set(name, array);
    }
    return array.length === length ? array : array.subarray(0, length);
  }
}
