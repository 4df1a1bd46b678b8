import { type Assembled, instantiate } from '../../assembler.js';
import { allColumns, type Coordinates, leadingDirections } from './directions.js';
import { BLOCK, CHUNK, PRODUCTS, type ScanLayout, scanLayout, scanModule } from './scan-code.js';
import { kthLargest } from './select.js';

/** Copies the vector of a row. */
export type ReadRow = (row: number, into: Float32Array) => void;
type Passes = ((row: number) => boolean) | undefined;

/** The largest code of a value, and of a value of a query. */
const MOST = 127;
const MOST_OF_QUERY = 32_767;
/** Room for values that are written later, before everything has to be encoded anew. */
const ROOM = 1.25;
const PAGE = 65_536;
/** Rows of the first call: few, from which it is known how good a row has to be. */
const FIRST = 4096;
/** Blocks by which the best scores of a large table are guessed. */
const SAMPLED_BLOCKS = 256;
/** Tables of fewer rows are scanned before there is anything to gain. */
const LARGE = 8 * SAMPLED_BLOCKS * BLOCK;
/** After a guess, so many times the rows that are wanted are found before it is worth while to look how good the k-th best is. */
const ENOUGH = 16;
/** Scores are rounded to floats: so much of the largest there could be. */
const ROUNDING = 2 ** -23;

/**
 * Every row rounded to one byte per value, a quarter of the memory or less, which WebAssembly compares with a query at the speed that
 * memory is read with. Where rows vary along few directions, those alone are compared, and one number more bounds what the others
 * may add. Both losses are bounded, so that the rows that are left hold the best ones for certain; whoever scores these anew has
 * searched exactly.
 */
export class Codes {
  private readonly layout: ScanLayout;
  private readonly scan: Assembled;
  private readonly coordinates: Coordinates;
  /** What a code is multiplied with, by coordinate. */
  private readonly steps: Float64Array;
  private readonly vector: Float32Array;
  private readonly point: Float64Array;
  private rows = 0;
  /** Rows that may be among the best of a search, and between what their scores are. */
  private found = new Int32Array(2 * CHUNK);
  private ceilings = new Int32Array(2 * CHUNK);
  private floors = new Int32Array(2 * CHUNK);

  /** @throws WebAssembly.CompileError where the processor, or Node, has no vectors */
  constructor(
    width: number,
    rows: number,
    private readonly read: ReadRow,
  ) {
    this.coordinates = (rows >= LARGE && leadingDirections(width, rows, read, PRODUCTS)) || allColumns(width);
    const { count } = this.coordinates;
    this.layout = scanLayout(count);
    this.scan = instantiate(scanModule(this.layout));
    this.steps = new Float64Array(count);
    this.vector = new Float32Array(width);
    this.point = new Float64Array(count);
    this.reserve(rows);
    this.encodeAll(1);
  }

  /** What is read of every row in a search. */
  get bytesOfRow(): number {
    return this.layout.stride;
  }

  /** A row has changed, or is new. */
  changed(row: number): void {
    if (row >= this.rows) this.reserve(row + 1);
    this.locate(row);
    if (this.point.some((value, i) => Math.abs(value) > MOST * this.steps[i]!)) this.encodeAll(ROOM);
    else this.encode(row, new Int8Array(this.scan.memory.buffer));
  }

  /**
   * Rows among which the k best by the inner product are, of those that pass: all that is left in doubt.
   *
   * @param query [width], finite
   * @returns ascending
   */
  candidates(query: Float32Array, k: number, passes?: Passes): Int32Array {
    const doubt = this.setQuery(query);
    const guess = this.guess(k, passes);
    let { count, worst } = this.collect(k, doubt, guess, passes);
    // Too high a guess may have passed over some of the best.
    if (worst < guess) count = this.collect(k, doubt, worst, passes).count;
    return this.found.slice(0, count).sort();
  }

  /** How good the k-th best may well be, by some blocks from all over the table. */
  private guess(k: number, passes: Passes): number {
    const { layout, rows, floors } = this;
    const blocks = Math.floor(rows / BLOCK);
    if (rows < LARGE) return Number.NEGATIVE_INFINITY;
    const floorOf = this.rowFloor();
    let count = 0;
    for (let i = 0; i < SAMPLED_BLOCKS; i++) {
      const start = BLOCK * Math.floor((i * blocks) / SAMPLED_BLOCKS);
      const scores = this.scanBlocks(start, 1).subarray(layout.scores / 4);
      for (let row = 0; row < BLOCK; row++) {
        if (passes === undefined || passes(start + row)) floors[count++] = floorOf(start + row, scores[row]!);
      }
    }
    const share = (k * SAMPLED_BLOCKS * BLOCK) / rows;
    // So many are nearly never all of them better than the k-th of the table.
    const rank = Math.ceil(share + 4 * Math.sqrt(share) + 4);
    return rank > count ? Number.NEGATIVE_INFINITY : this.kthBest(count, rank);
  }

  /**
   * Fills `found` with what may be as good as this, or as the k-th best that is found.
   *
   * @returns how many there are, and how good the k-th best of them is at least
   */
  private collect(k: number, doubt: number, as: number, passes: Passes): { count: number; worst: number } {
    const { layout, rows } = this;
    const floorOf = this.rowFloor();
    let [count, worst] = [0, Number.NEGATIVE_INFINITY];
    let least = as - doubt;
    /** With so many it is worth while to look how good the k-th best is. */
    let enough = as === Number.NEGATIVE_INFINITY ? k + 1 : ENOUGH * k;
    for (let start = 0, size = FIRST; start < rows; start += size, size = CHUNK) {
      const end = Math.min(size, rows - start);
      const blocks = Math.ceil(end / BLOCK);
      const words = this.scanBlocks(start, blocks);
      const scores = words.subarray(layout.scores / 4);
      const largest = words.subarray(layout.largest / 4);
      if (count + end > this.found.length) {
        this.found = longer(this.found);
        this.ceilings = longer(this.ceilings);
        this.floors = longer(this.floors);
      }
      const { found, ceilings, floors } = this;
      for (let block = 0; block < blocks; block++) {
        const at = 4 * block;
        const after = Math.min(end, (block + 1) * BLOCK);
        // Each of the four is the largest of every fourth row.
        for (let lane = 0; lane < 4; lane++) {
          if (largest[at + lane]! < least) continue;
          for (let i = block * BLOCK + lane; i < after; i += 4) {
            const score = scores[i]!;
            if (score < least || (passes !== undefined && !passes(start + i))) continue;
            found[count] = start + i;
            ceilings[count] = score;
            floors[count++] = floorOf(start + i, score);
          }
        }
      }
      if (count < k || (count < enough && start + size < rows)) continue;
      worst = this.kthBest(count, k);
      least = Math.max(least, worst - doubt);
      count = this.keep(count, least);
      enough = Math.ceil(1.5 * count);
    }
    return { count, worst };
  }

  /** Scores blocks of rows. @returns the memory of the scan as whole numbers */
  private scanBlocks(start: number, blocks: number): Int32Array {
    const { layout, scan } = this;
    const words = new Int32Array(scan.memory.buffer, 0, layout.rows / 4);
    words[layout.first / 4] = layout.rows + start * layout.stride;
    scan.run(blocks);
    return words;
  }

  private kthBest(count: number, k: number): number {
    return kthLargest(this.floors.subarray(0, count), k);
  }

  /** Keeps those of the first `count` that are no worse; answers how many. */
  private keep(count: number, least: number): number {
    const { found, ceilings, floors } = this;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (ceilings[i]! < least) continue;
      found[kept] = found[i]!;
      ceilings[kept] = ceilings[i]!;
      floors[kept++] = floors[i]!;
    }
    return kept;
  }

  /** @returns by how much two rows may change places by rounding, in the unit of the scores */
  private setQuery(query: Float32Array): number {
    const { layout, scan, steps, point, coordinates } = this;
    const { count, hasRest, mean } = coordinates;
    const codes = new Int16Array(scan.memory.buffer, layout.query, layout.stride);
    coordinates.ofQuery(query, point);
    let [most, sum, middle] = [0, 0, 0];
    for (let i = 0; i < count; i++) {
      const weight = Math.abs(point[i]! * steps[i]!);
      most = Math.max(most, weight);
      sum += weight;
    }
    for (let i = 0; i < mean.length; i++) middle += Math.abs(query[i]! * mean[i]!);
    // Sums of all products have to fit in 32 bits, twice over: the scores of two rows are subtracted.
    const unit = most / Math.min(MOST_OF_QUERY - 1, Math.floor((2 ** 30 - 1) / (MOST * count))) || 1;
    for (let i = 0; i < count; i++) codes[i] = Math.round((point[i]! * steps[i]!) / unit);
    if (hasRest) codes[count - 1] = Math.ceil((point[count - 1]! * steps[count - 1]!) / unit);
    const ofRows = sum / 2;
    const ofQuery = (unit / 2) * MOST * count;
    const ofScores = ROUNDING * (MOST * sum + middle);
    return Math.ceil((2 * (ofRows + ofQuery + ofScores)) / unit);
  }

  /** How low the score of a row may be that is no higher than its ceiling, by the query that is set. */
  private rowFloor(): (row: number, ceiling: number) => number {
    const { layout, scan, coordinates } = this;
    if (!coordinates.hasRest) return (_, ceiling) => ceiling;
    const bytes = new Int8Array(scan.memory.buffer);
    const last = coordinates.count - 1;
    const slope = 2 * new Int16Array(scan.memory.buffer, layout.query, layout.stride)[last]!;
    return (row, ceiling) => ceiling - slope * bytes[layout.rows + row * layout.stride + last]!;
  }

  /** @param room how many times the largest value there is may still come */
  private encodeAll(room: number): void {
    const { point, steps, rows } = this;
    steps.fill(0);
    for (let row = 0; row < rows; row++) {
      this.locate(row);
      for (let i = 0; i < steps.length; i++) {
        const value = Math.abs(point[i]!);
        // Whatever is not finite is no item's.
        if (value > steps[i]! && value !== Number.POSITIVE_INFINITY) steps[i] = value;
      }
    }
    for (let i = 0; i < steps.length; i++) steps[i]! *= room / MOST;
    const bytes = new Int8Array(this.scan.memory.buffer);
    for (let row = 0; row < rows; row++) {
      this.locate(row);
      this.encode(row, bytes);
    }
  }

  /** The coordinates of a row, in `point`. */
  private locate(row: number): void {
    this.read(row, this.vector);
    this.coordinates.ofRow(this.vector, this.point);
  }

  /** `point` as the codes of a row. */
  private encode(row: number, bytes: Int8Array): void {
    const { point, steps, layout, coordinates } = this;
    const start = layout.rows + row * layout.stride;
    const last = steps.length - 1;
    for (let i = 0; i <= last; i++) bytes[start + i] = steps[i] === 0 ? 0 : Math.round(point[i]! / steps[i]!);
    // A bound is rounded up; the largest there is may come out above itself by the last bit.
    if (coordinates.hasRest) bytes[start + last] = Math.min(MOST, Math.ceil(point[last]! / steps[last]!));
  }

  private reserve(rows: number): void {
    const { layout } = this;
    const { memory } = this.scan;
    const bytes = memory.buffer.byteLength;
    const lacking = layout.rows + Math.ceil(rows / BLOCK) * BLOCK * layout.stride - bytes;
    // Where rows come one after the other, room for some more.
    const spare = this.rows === 0 ? 0 : bytes / 8;
    if (lacking > 0) memory.grow(Math.ceil((lacking + spare) / PAGE));
    this.rows = rows;
  }
}

function longer(values: Int32Array): Int32Array<ArrayBuffer> {
  const twice = new Int32Array(2 * values.length);
  twice.set(values);
  return twice;
}
