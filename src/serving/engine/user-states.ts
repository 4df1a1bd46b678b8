import type { Feeds } from '../../schema.js';

/** The user states that were used last, by a key that changes whenever the state would. */
export class UserStates {
  private readonly states = new Map<string, Feeds>();
  hits = 0;
  misses = 0;

  constructor(private readonly limit: number) {}

  get size(): number {
    return this.states.size;
  }

  get(key: string): Feeds | undefined {
    const state = this.states.get(key);
    if (state === undefined) {
      this.misses++;
      return undefined;
    }
    this.hits++;
    // A map keeps the order of insertion: the one used last goes last.
    this.states.delete(key);
    this.states.set(key, state);
    return state;
  }

  set(key: string, state: Feeds): void {
    this.states.delete(key);
    this.states.set(key, state);
    if (this.states.size <= this.limit) return;
    for (const oldest of this.states.keys()) {
      this.states.delete(oldest);
      return;
    }
  }
}
