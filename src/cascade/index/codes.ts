import { type Assembled, instantiate } from '../../assembler.js';
import { allColumns, type Coordinates, leadingDirections } from './directions.js';
import { BLOCK, PRODUCTS, type ScanLayout, scanLayout, scanModule } from './scan-code.js';

/** Copies the vector of a row. */
export type ReadRow = (row: number, into: Float32Array) => void;

/** How scores of codes and of rows belong together: score = middle + unit · (score of the code), with some rounding. */
export interface CodeQuery {
  unit: number;
  middle: number;
  /** By how much the score of a row may be above that of its code, in units. */
  slack: number;
  /** What the score of a row's code holds, in units, for the length of what its coordinates leave: as much more as less is as likely. */
  rest(row: number): number;
}

/** What came of a comparison; the next one writes over it. */
export interface Compared {
  /** By row, from the first that was compared. */
  scores: Int32Array;
  /** Four for each block, each the largest of every fourth row. */
  largest: Int32Array;
  /** So many blocks, counted from the first, hold a row that is good enough. */
  passed: number;
  blocks: Int32Array;
}

/** The largest code of a value, and of a value of a query. */
const MOST = 127;
const MOST_OF_QUERY = 32_767;
/** Room for values that are written later, before everything has to be encoded anew. */
const ROOM = 1.25;
/** Tables of fewer rows are compared before there is anything to gain. */
const LARGE = 1 << 17;
const PAGE = 65_536;
const MOST_INT = 2 ** 31 - 1;
/** Scores are rounded to floats: so much of the largest there could be. */
const ROUNDING = 2 ** -23;

/**
 * Every row rounded to one byte per value, a quarter of the memory or less, which WebAssembly compares with a query at the speed that
 * memory is read with. Where rows vary along few directions, those alone are compared, and one number more bounds what the others
 * may add. Both losses are bounded, so that codes say how high the score of a row may be at most. Only the few rows that may be among
 * the best by that are scored, and the search is exact.
 */
export class Codes {
  private readonly layout: ScanLayout;
  private readonly scan: Assembled;
  private readonly coordinates: Coordinates;
  /** What a code is multiplied with, by coordinate. */
  private readonly steps: Float64Array;
  private readonly vector: Float32Array;
  private readonly point: Float64Array;
  private words = new Int32Array(0);
  private compared!: Compared;
  private rows = 0;

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

  /** Compares blocks of rows with the query that was set, and finds those that hold one as good as this. @param start a multiple of `BLOCK` */
  compare(start: number, blocks: number, least: number): Compared {
    const { layout, words, compared } = this;
    words[layout.first / 4] = layout.rows + start * layout.stride;
    words[layout.least / 4] = Math.min(MOST_INT, Math.max(-MOST_INT, least));
    this.scan.run(blocks);
    compared.passed = words[layout.passed / 4]! / 4;
    return compared;
  }

  /** Every comparison from now on is with this query. @param query [width], finite */
  setQuery(query: Float32Array): CodeQuery {
    const { layout, scan, steps, point, coordinates } = this;
    const { count, hasRest, mean } = coordinates;
    const codes = new Int16Array(scan.memory.buffer, layout.query, layout.stride);
    coordinates.ofQuery(query, point);
    let [most, sum, middle, size] = [0, 0, 0, 0];
    for (let i = 0; i < count; i++) {
      const weight = Math.abs(point[i]! * steps[i]!);
      most = Math.max(most, weight);
      sum += weight;
    }
    for (let i = 0; i < mean.length; i++) {
      middle += query[i]! * mean[i]!;
      size += Math.abs(query[i]! * mean[i]!);
    }
    // Sums of all products have to fit in 32 bits, twice over: bounds are added to them.
    const unit = most / Math.min(MOST_OF_QUERY - 1, Math.floor((2 ** 30 - 1) / (MOST * count))) || 1;
    for (let i = 0; i < count; i++) codes[i] = Math.round((point[i]! * steps[i]!) / unit);
    if (hasRest) codes[count - 1] = Math.ceil((point[count - 1]! * steps[count - 1]!) / unit);
    const ofRows = sum / 2;
    const ofQuery = (unit / 2) * MOST * count;
    const ofScores = ROUNDING * (MOST * sum + size);
    const slack = Math.ceil((ofRows + ofQuery + ofScores) / unit) + 1;
    if (!hasRest) return { unit, middle, slack, rest: () => 0 };
    const ofRest = codes[count - 1]!;
    const bytes = new Int8Array(scan.memory.buffer, layout.rows + count - 1);
    return { unit, middle, slack, rest: (row) => ofRest * bytes[row * layout.stride]! };
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
    if (this.words.buffer === memory.buffer) return;
    this.words = new Int32Array(memory.buffer, 0, layout.rows / 4);
    this.compared = {
      scores: this.words.subarray(layout.scores / 4),
      largest: this.words.subarray(layout.largest / 4),
      passed: 0,
      blocks: this.words.subarray(layout.blocks / 4),
    };
  }
}
