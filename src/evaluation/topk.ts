import { checkWhole, unusableScore } from './checks.js';

/** Items with their scores, best first. */
export interface RankedItems {
  /** [at most k] item rows */
  items: Int32Array;
  /** [at most k] */
  scores: Float32Array;
}

/** Which items of a corpus may be returned or counted for one request. */
export interface CandidateFilter {
  /** [items], 0 = not a candidate; every item is one when absent. */
  candidates?: Uint8Array | undefined;
  /** Item rows that are left out, such as those the user has already seen. */
  excluded?: Iterable<number> | undefined;
}

/**
 * The exact k best of a row of scores: higher score first, equal scores by lower item row.
 * O(N) for scores in random order, O(N log k) at worst.
 *
 * @param scores [items], infinities are ordered, NaN is refused
 * @returns fewer than k when there are fewer candidates
 * @throws RangeError when k is not a whole number of at least 1 or the mask has another length; TwoTowerError TRAIN_DIVERGED on NaN
 */
export function topK(scores: Float32Array, k: number, filter: CandidateFilter = {}): RankedItems {
  checkWhole('topK', 'k', k, 1);
  const best = new TopK(Math.min(k, Math.max(scores.length, 1)), candidateTest('topK', scores.length, filter));
  best.push(scores);
  return best.result();
}

/** Answers whether an item may be counted, or undefined when all may. */
export function candidateTest(
  where: string,
  items: number,
  { candidates, excluded }: CandidateFilter,
): ((item: number) => boolean) | undefined {
  if (candidates !== undefined && candidates.length !== items) {
    throw new RangeError(`${where}: the candidate mask has ${candidates.length} entries for ${items} items`);
  }
  const left = excluded === undefined ? undefined : excluded instanceof Set ? excluded : new Set(excluded);
  if (left === undefined || left.size === 0) {
    return candidates === undefined ? undefined : (item) => candidates[item] !== 0;
  }
  return candidates === undefined ? (item) => !left.has(item) : (item) => candidates[item] !== 0 && !left.has(item);
}

/** The k best of a row of scores that arrives in blocks: a heap whose root is the worst of the kept. */
export class TopK {
  private readonly scores: Float32Array;
  private readonly items: Int32Array;
  private kept = 0;
  private seen = 0;

  /** @param isCandidate asked only about items that would be kept */
  constructor(
    private readonly k: number,
    private readonly isCandidate?: (item: number) => boolean,
  ) {
    checkWhole('topK', 'k', k, 1);
    this.scores = new Float32Array(k);
    this.items = new Int32Array(k);
  }

  /** Adds the scores of the next items: the first block starts at item 0, each block where the last one ended. */
  push(block: Float32Array): void {
    const { k, isCandidate, scores, seen } = this;
    // A comparison with NaN is false, so that every item passes until the heap is full. Afterwards an item equal to the
    // worst kept one is passed over, because items come in ascending order and the lower row wins a tie.
    let worst = this.kept < k ? Number.NaN : scores[0]!;
    for (let i = 0; i < block.length; i++) {
      const score = block[i]!;
      if (score <= worst) continue;
      if (Number.isNaN(score)) throw unusableScore('topK', seen + i, score);
      if (isCandidate !== undefined && !isCandidate(seen + i)) continue;
      if (this.kept < k) this.siftUp(this.kept++, score, seen + i);
      else this.siftDown(0, k, score, seen + i);
      if (this.kept === k) worst = scores[0]!;
    }
    this.seen += block.length;
  }

  /** The kept items, best first. More blocks may follow. */
  result(): RankedItems {
    const copy = new TopK(this.k);
    copy.scores.set(this.scores);
    copy.items.set(this.items);
    // Heap sort: the worst goes to the end, so that the best ends up first.
    for (let end = this.kept - 1; end > 0; end--) {
      const score = copy.scores[end]!;
      const item = copy.items[end]!;
      copy.scores[end] = copy.scores[0]!;
      copy.items[end] = copy.items[0]!;
      copy.siftDown(0, end, score, item);
    }
    return { items: copy.items.subarray(0, this.kept), scores: copy.scores.subarray(0, this.kept) };
  }

  /** Whether the entry at `position` is worse than (score, item). */
  private isWorse(position: number, score: number, item: number): boolean {
    const other = this.scores[position]!;
    return other < score || (other === score && this.items[position]! > item);
  }

  private siftUp(from: number, score: number, item: number): void {
    let position = from;
    while (position > 0) {
      const parent = (position - 1) >> 1;
      if (this.isWorse(parent, score, item)) break;
      this.scores[position] = this.scores[parent]!;
      this.items[position] = this.items[parent]!;
      position = parent;
    }
    this.scores[position] = score;
    this.items[position] = item;
  }

  private siftDown(from: number, size: number, score: number, item: number): void {
    let position = from;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size && this.isWorse(right, this.scores[child]!, this.items[child]!)) child = right;
      if (!this.isWorse(child, score, item)) break;
      this.scores[position] = this.scores[child]!;
      this.items[position] = this.items[child]!;
      position = child;
    }
    this.scores[position] = score;
    this.items[position] = item;
  }
}
