import type { Feeds } from '../../schema.js';
import type { Visitor } from '../contract.js';

interface Kept {
  state: Feeds;
  visitor: Visitor;
}

/** The user states that were used last, by a key that changes whenever the state would. */
export class UserStates {
  private readonly states = new Map<string, Kept>();
  hits = 0;
  misses = 0;

  constructor(private readonly limit: number) {}

  get size(): number {
    return this.states.size;
  }

  /** Whose states these are, used last first. */
  visitors(most: number): Visitor[] {
    return Array.from(this.states.values(), ({ visitor }) => visitor)
      .reverse()
      .slice(0, most);
  }

  get(key: string): Feeds | undefined {
    const kept = this.states.get(key);
    if (kept === undefined) {
      this.misses++;
      return undefined;
    }
    this.hits++;
    // A map keeps the order of insertion: the one used last goes last.
    this.states.delete(key);
    this.states.set(key, kept);
    return kept.state;
  }

  set(key: string, state: Feeds, visitor: Visitor): void {
    this.states.delete(key);
    this.states.set(key, { state, visitor });
    if (this.states.size <= this.limit) return;
    for (const oldest of this.states.keys()) {
      this.states.delete(oldest);
      return;
    }
  }
}
