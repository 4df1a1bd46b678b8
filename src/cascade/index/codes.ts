import { type Assembled, instantiate } from '../../assembler.js';
import { BLOCK, CHUNK, type ScanLayout, scanLayout, scanModule } from './scan-code.js';
import { kthLargest } from './select.js';

/** Copies the vector of a row. */
export type ReadRow = (row: number, into: Float32Array) => void;

/** The largest code of a value, and of a value of a query. */
const MOST = 127;
const MOST_OF_QUERY = 32_767;
/** Room for values that are written later, before everything has to be encoded anew. */
const ROOM = 1.25;
const PAGE = 65_536;
/** Rows of the first call: few, from which it is known how good a row has to be. */
const FIRST = 4096;
/** Scores are rounded to floats: so much of the largest there could be. */
const ROUNDING = 2 ** -23;

/**
 * Every row rounded to one byte per value, a quarter of the memory, which WebAssembly compares with a query at the speed that memory
 * is read with. Rounding is bounded, so that the rows it leaves hold the best ones for certain; whoever scores these anew has searched
 * exactly.
 */
export class Codes {
  private readonly layout: ScanLayout;
  private readonly scan: Assembled;
  /** What a code is multiplied with, by column. */
  private readonly steps: Float64Array;
  private readonly vector: Float32Array;
  private rows = 0;
  /** Rows that may be among the best of a search, and their scores. */
  private found = new Int32Array(2 * CHUNK);
  private values = new Int32Array(2 * CHUNK);

  /** @throws WebAssembly.CompileError where the processor, or Node, has no vectors */
  constructor(
    width: number,
    rows: number,
    private readonly read: ReadRow,
  ) {
    this.layout = scanLayout(width);
    this.scan = instantiate(scanModule(this.layout));
    this.steps = new Float64Array(width);
    this.vector = new Float32Array(width);
    this.reserve(rows);
    this.encodeAll(1);
  }

  /** A row has changed, or is new. */
  changed(row: number): void {
    if (row >= this.rows) this.reserve(row + 1);
    this.read(row, this.vector);
    if (this.vector.some((value, i) => Math.abs(value) > MOST * this.steps[i]!)) this.encodeAll(ROOM);
    else this.encode(row, new Int8Array(this.scan.memory.buffer));
  }

  /**
   * Rows among which the k best by the inner product are, of those that pass: all that rounding leaves in doubt.
   *
   * @param query [width], finite
   * @returns ascending
   */
  candidates(query: Float32Array, k: number, passes?: (row: number) => boolean): Int32Array {
    const { layout, scan, rows } = this;
    const doubt = this.setQuery(query);
    const words = new Int32Array(scan.memory.buffer, 0, layout.rows / 4);
    const scores = words.subarray(layout.scores / 4);
    const largest = words.subarray(layout.largest / 4);
    let count = 0;
    let least = Number.NEGATIVE_INFINITY;
    /** With so many it is worth while to look how good the k-th best is. */
    let enough = k + 1;
    for (let start = 0, size = FIRST; start < rows; start += size, size = CHUNK) {
      const end = Math.min(size, rows - start);
      const blocks = Math.ceil(end / BLOCK);
      words[layout.first / 4] = layout.rows + start * layout.stride;
      scan.run(blocks);
      if (count + end > this.found.length) {
        this.found = longer(this.found);
        this.values = longer(this.values);
      }
      const { found, values } = this;
      for (let block = 0; block < blocks; block++) {
        const at = 4 * block;
        const isPoor = largest[at]! < least && largest[at + 1]! < least && largest[at + 2]! < least;
        if (isPoor && largest[at + 3]! < least) continue;
        const last = Math.min(end, (block + 1) * BLOCK);
        for (let i = block * BLOCK; i < last; i++) {
          if (scores[i]! < least || (passes !== undefined && !passes(start + i))) continue;
          found[count] = start + i;
          values[count++] = scores[i]!;
        }
      }
      if (count < enough) continue;
      least = this.kthBest(count, k) - doubt;
      count = this.keep(count, least);
      enough = Math.ceil(1.5 * count);
    }
    if (count > k) count = this.keep(count, this.kthBest(count, k) - doubt);
    return this.found.slice(0, count);
  }

  private kthBest(count: number, k: number): number {
    return kthLargest(this.values.subarray(0, count), k);
  }

  /** Keeps those of the first `count` that are no worse; answers how many. */
  private keep(count: number, least: number): number {
    const { found, values } = this;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (values[i]! < least) continue;
      found[kept] = found[i]!;
      values[kept++] = values[i]!;
    }
    return kept;
  }

  /** @returns by how much two rows may change places by rounding, in the unit of the scores */
  private setQuery(query: Float32Array): number {
    const { layout, scan, steps } = this;
    const codes = new Int16Array(scan.memory.buffer, layout.query, layout.stride);
    let [most, sum] = [0, 0];
    for (let i = 0; i < steps.length; i++) {
      const weight = Math.abs(query[i]! * steps[i]!);
      most = Math.max(most, weight);
      sum += weight;
    }
    // Sums of all products have to fit in 32 bits.
    const unit = most / Math.min(MOST_OF_QUERY, Math.floor((2 ** 31 - 1) / (MOST * steps.length))) || 1;
    for (let i = 0; i < steps.length; i++) codes[i] = Math.round((query[i]! * steps[i]!) / unit);
    const ofRows = sum / 2;
    const ofQuery = (unit / 2) * MOST * steps.length;
    const ofScores = ROUNDING * MOST * sum;
    return Math.ceil((2 * (ofRows + ofQuery + ofScores)) / unit);
  }

  /** @param room how many times the largest value there is may still come */
  private encodeAll(room: number): void {
    const { read, vector, steps, rows } = this;
    steps.fill(0);
    for (let row = 0; row < rows; row++) {
      read(row, vector);
      for (let i = 0; i < steps.length; i++) {
        const value = Math.abs(vector[i]!);
        // Whatever is not finite is no item's.
        if (value > steps[i]! && value !== Number.POSITIVE_INFINITY) steps[i] = value;
      }
    }
    for (let i = 0; i < steps.length; i++) steps[i]! *= room / MOST;
    const bytes = new Int8Array(this.scan.memory.buffer);
    for (let row = 0; row < rows; row++) {
      read(row, vector);
      this.encode(row, bytes);
    }
  }

  /** `vector` as the codes of a row. */
  private encode(row: number, bytes: Int8Array): void {
    const { vector, steps, layout } = this;
    const start = layout.rows + row * layout.stride;
    for (let i = 0; i < steps.length; i++) bytes[start + i] = steps[i] === 0 ? 0 : Math.round(vector[i]! / steps[i]!);
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
