import { type CodeQuery, Codes } from './codes.js';
import type { ReadRow, RowCodes } from './row-codes.js';
import { BLOCK, CHUNK } from './scan-code.js';
import { kthLargest } from './select.js';

/** Writes the inner products of the first `count` rows given with the query that is searched for. */
export type ScoreRows = (rows: Int32Array, count: number, into: Float32Array) => void;
type Passes = ((row: number) => boolean) | undefined;

/** Rows of the first comparison: few, from which it is known how good a row has to be. */
const FIRST = 4096;
/** Blocks by which the best scores of a table are guessed: so many of them, at most every so manieth. */
const SAMPLED_BLOCKS = 256;
const SAMPLED_ONE_OF = 6;
/** What is guessed from a larger part of the best rows sampled is far too low. */
const SAMPLED_MOST = 0.25;
/** After a guess, so many times the rows that are wanted are found before it is worth while to look how good the k-th best is. */
const ENOUGH = 16;
/** So many times the rows that are wanted are scored first. */
const AT_FIRST = 1.5;
/** Rows that are scored in one go. */
const SCORED = 4096;
/** More than the score of any code. */
const MOST = 2 ** 30;

interface Asked extends CodeQuery {
  k: number;
  score: ScoreRows;
  passes: Passes;
}

/**
 * Exact search for the largest inner products: all rows are compared by their codes, and only the few that may be among the best by
 * that are scored.
 */
export class CodeSearch {
  private readonly codes: Codes;
  /** Rows that may be among the best, and how high their scores may be at most and at least, in the unit of codes: the same once they are scored. */
  private found = new Int32Array(2 * CHUNK);
  private ceilings = new Int32Array(2 * CHUNK);
  private floors = new Int32Array(2 * CHUNK);
  /** Some of those that are scored together. */
  private readonly places = new Int32Array(SCORED);
  private readonly asked = new Int32Array(SCORED);
  private readonly answered = new Float32Array(SCORED);

  /**
   * @param made the codes of these rows, where there are any
   * @throws WebAssembly.CompileError where the processor, or Node, has no vectors
   */
  constructor(
    width: number,
    private rows: number,
    read: ReadRow,
    made?: RowCodes,
  ) {
    this.codes = new Codes(width, rows, read, made);
  }

  /** What is read of every row in a search. */
  get bytesOfRow(): number {
    return this.codes.bytesOfRow;
  }

  /** A row has changed, or is new. */
  changed(row: number): void {
    this.codes.changed(row);
    this.rows = Math.max(this.rows, row + 1);
  }

  /**
   * Rows among which the k best by the inner product are, of those that pass; hardly any others.
   *
   * @param query [width], finite
   * @param score with this query
   * @returns ascending
   */
  best(query: Float32Array, k: number, score: ScoreRows, passes?: Passes): Int32Array {
    const asked: Asked = { ...this.codes.setQuery(query), k, score, passes };
    const guess = this.guess(asked);
    let { count, worst } = this.collect(asked, guess);
    // Too high a guess may have passed over some of the best.
    if (worst < guess) count = this.collect(asked, worst).count;
    return this.found.slice(0, count).sort();
  }

  /** How good the k-th best may well be, by some blocks from all over the table. */
  private guess(asked: Asked): number {
    const { codes, rows, found, ceilings, floors } = this;
    const { k, slack, passes, rest } = asked;
    const blocks = Math.floor(rows / BLOCK);
    const sampled = Math.min(SAMPLED_BLOCKS, Math.floor(blocks / SAMPLED_ONE_OF));
    const share = (k * sampled * BLOCK) / rows;
    // So many are hardly ever all of them better than the k-th of the table.
    const rank = Math.ceil(share + 3 * Math.sqrt(share) + 2);
    if (rank > SAMPLED_MOST * 4 * sampled) return Number.NEGATIVE_INFINITY;
    let count = 0;
    for (let i = 0; i < sampled; i++) {
      const start = BLOCK * Math.floor((i * blocks) / sampled);
      const compared = codes.compare(start, 1, Number.POSITIVE_INFINITY);
      // The best of every fourth row: few of the best ones of a table share a block.
      for (let lane = 0; lane < 4; lane++) {
        let best = -1;
        let highest = Number.NEGATIVE_INFINITY;
        for (let i = lane; i < BLOCK; i += 4) {
          const ceiling = compared.scores[i]!;
          if (ceiling <= highest || (passes !== undefined && !passes(start + i))) continue;
          best = start + i;
          highest = ceiling;
        }
        if (best < 0) continue;
        found[count] = best;
        ceilings[count] = highest + slack;
        floors[count++] = highest - 2 * rest(best) - slack;
      }
    }
    return rank > count ? Number.NEGATIVE_INFINITY : this.settle({ ...asked, k: rank }, count).worst;
  }

  /**
   * Fills `found` with what may be as good as this, or as the k-th best that is found.
   *
   * @returns how many there are, and how good the k-th best of them is
   */
  private collect(asked: Asked, as: number): { count: number; worst: number } {
    const { codes, rows } = this;
    const { k, slack, passes, rest } = asked;
    let [count, worst] = [0, Number.NEGATIVE_INFINITY];
    let least = as - slack;
    /** With so many it is worth while to look how good the k-th best is. */
    let enough = as === Number.NEGATIVE_INFINITY ? k + 1 : ENOUGH * k;
    for (let start = 0, size = FIRST; start < rows; start += size, size = CHUNK) {
      const end = Math.min(size, rows - start);
      const compared = codes.compare(start, Math.ceil(end / BLOCK), least);
      if (count + end > this.found.length) {
        this.found = longer(this.found);
        this.ceilings = longer(this.ceilings);
        this.floors = longer(this.floors);
      }
      const { found, ceilings, floors } = this;
      const { largest, blocks } = compared;
      for (let n = 0; n < compared.passed; n++) {
        const block = blocks[n]!;
        const after = Math.min(end, (block + 1) * BLOCK);
        // Each of the four is the largest of every fourth row.
        for (let lane = 0; lane < 4; lane++) {
          if (largest[4 * block + lane]! < least) continue;
          for (let i = block * BLOCK + lane; i < after; i += 4) {
            const score = compared.scores[i]!;
            if (score < least || (passes !== undefined && !passes(start + i))) continue;
            found[count] = start + i;
            ceilings[count] = score + slack;
            floors[count++] = score - 2 * rest(start + i) - slack;
          }
        }
      }
      const isLast = start + size >= rows;
      if (count < k || (count < enough && !isLast)) continue;
      ({ count, worst } = isLast ? this.settle(asked, count) : this.keep(k, count));
      least = Math.max(least, worst - slack);
      enough = Math.ceil(1.5 * count);
    }
    return { count, worst };
  }

  /** Scores those of the first `count` that may be among the k best, and keeps these. */
  private settle(asked: Asked, count: number): { count: number; worst: number } {
    const { ceilings, floors } = this;
    const { k } = asked;
    const middles = new Int32Array(count);
    for (let i = 0; i < count; i++) middles[i] = (ceilings[i]! + floors[i]!) / 2;
    // By the scores of those that are likely to be high most of the others need none.
    this.scoreAbove(asked, middles, kthLargest(middles, Math.min(count, Math.ceil(AT_FIRST * k))));
    const left = this.keep(k, count);
    this.scoreAbove(asked, ceilings.subarray(0, left.count), left.worst);
    return this.keep(k, left.count);
  }

  /** Keeps those of the first `count` that may be among the k best; says how many these are, and how good the k-th best is at least. */
  private keep(k: number, count: number): { count: number; worst: number } {
    const { found, ceilings, floors } = this;
    const worst = kthLargest(floors.subarray(0, count), k);
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (ceilings[i]! < worst) continue;
      found[kept] = found[i]!;
      ceilings[kept] = ceilings[i]!;
      floors[kept++] = floors[i]!;
    }
    return { count: kept, worst };
  }

  /** Scores those that are as high as this by some values, one for each, and have no score yet. */
  private scoreAbove({ score, unit, middle }: Asked, values: Int32Array, least: number): void {
    const { found, ceilings, floors, places, asked, answered } = this;
    for (let i = 0; i < values.length; ) {
      let waiting = 0;
      for (; i < values.length && waiting < SCORED; i++) {
        if (values[i]! < least || ceilings[i] === floors[i]) continue;
        places[waiting] = i;
        asked[waiting++] = found[i]!;
      }
      if (waiting > 0) score(asked, waiting, answered);
      for (let j = 0; j < waiting; j++) {
        const inUnits = Math.floor((answered[j]! - middle) / unit);
        const at = places[j]!;
        // What is no number is no item's.
        ceilings[at] = inUnits > -MOST ? Math.min(inUnits, MOST) : -MOST;
        floors[at] = ceilings[at]!;
      }
    }
  }
}

function longer(values: Int32Array): Int32Array<ArrayBuffer> {
  const twice = new Int32Array(2 * values.length);
  twice.set(values);
  return twice;
}
