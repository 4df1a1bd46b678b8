/**
 * The project's only source of randomness: xoshiro128** (Blackman and Vigna, 2018), seeded through SplitMix32.
 *
 * Streams are derived, not shared: `Random.of(seed, 'dropout', step)` gives the same numbers whenever it is asked, so that
 * a resumed run or a batch prepared ahead of time draws what an uninterrupted run would have drawn.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  private constructor(seed: number) {
    let state = seed >>> 0;
    const next = () => {
      state = (state + 0x9e3779b9) | 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) | 0;
    };
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next() | 1;
  }

  /** The stream named by a run's seed and any words or counters. */
  static of(seed: number, ...path: (string | number)[]): Random {
    let hash = mix(0x811c9dc5, seed);
    for (const part of path) {
      if (typeof part === 'number') hash = mix(hash, part);
      else for (let i = 0; i < part.length; i++) hash = mix(hash, part.charCodeAt(i));
      hash = mix(hash, 0x5bd1e995);
    }
    return new Random(hash);
  }

  /** A 32-bit unsigned integer. */
  uint32(): number {
    const r = Math.imul(this.b, 5);
    const result = Math.imul((r << 7) | (r >>> 25), 9) >>> 0;
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** Uniform in [0, 1), 32 bits of resolution. */
  uniform(): number {
    return this.uint32() / 4294967296;
  }

  /** A uniform integer in [0, bound), without modulo bias. */
  below(bound: number): number {
    const limit = 4294967296 - (4294967296 % bound);
    let value = this.uint32();
    while (value >= limit) value = this.uint32();
    return value % bound;
  }

  /** Standard normal (Box and Muller). */
  normal(): number {
    const u = 1 - this.uniform();
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Fisher-Yates, in place. */
  shuffle<T extends { length: number; [index: number]: unknown }>(values: T): T {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const kept = values[i];
      values[i] = values[j];
      values[j] = kept;
    }
    return values;
  }
}

function mix(hash: number, value: number): number {
  // The high word keeps counters beyond 2^32 and fractional seeds apart.
  const low = value >>> 0;
  const high = Math.floor(value / 4294967296) >>> 0;
  let h = Math.imul(hash ^ low, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ high, 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}
