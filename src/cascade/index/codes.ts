import { type Assembled, instantiate } from '../../assembler.js';
import { MOST, type ReadRow, type RowCodes, RowEncoder } from './row-codes.js';
import { BLOCK, type ScanLayout, scanLayout, scanModule } from './scan-code.js';

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

/** The largest code of a value of a query. */
const MOST_OF_QUERY = 32_767;
/** Room for values that are written later, before everything has to be encoded anew. */
const ROOM = 1.25;
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
  private readonly encoder: RowEncoder;
  /** Of the query. */
  private readonly point: Float64Array;
  private words = new Int32Array(0);
  private compared!: Compared;
  private rows = 0;

  /**
   * @param made the codes of these rows, where there are any
   * @throws WebAssembly.CompileError where the processor, or Node, has no vectors
   */
  constructor(width: number, rows: number, read: ReadRow, made?: RowCodes) {
    this.encoder = new RowEncoder(width, rows, read, made);
    const { count } = this.encoder.coordinates;
    this.layout = scanLayout(count);
    this.scan = instantiate(scanModule(this.layout));
    this.point = new Float64Array(count);
    this.reserve(rows);
    if (made === undefined) this.encodeAll(1);
    else new Int8Array(this.scan.memory.buffer).set(made.bytes, this.layout.rows);
  }

  /** What is read of every row in a search. */
  get bytesOfRow(): number {
    return this.layout.stride;
  }

  /** A row has changed, or is new. */
  changed(row: number): void {
    if (row >= this.rows) this.reserve(row + 1);
    const { layout, encoder } = this;
    if (!encoder.holds(row)) this.encodeAll(ROOM);
    else encoder.encode(row, new Int8Array(this.scan.memory.buffer), layout.rows + row * layout.stride);
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
    const { layout, scan, point } = this;
    const { steps, coordinates } = this.encoder;
    const { count, directions, mean } = coordinates;
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
    if (directions) codes[count - 1] = Math.ceil((point[count - 1]! * steps[count - 1]!) / unit);
    const ofRows = sum / 2;
    const ofQuery = (unit / 2) * MOST * count;
    const ofScores = ROUNDING * (MOST * sum + size);
    const slack = Math.ceil((ofRows + ofQuery + ofScores) / unit) + 1;
    if (directions === undefined) return { unit, middle, slack, rest: () => 0 };
    const ofRest = codes[count - 1]!;
    const bytes = new Int8Array(scan.memory.buffer, layout.rows + count - 1);
    return { unit, middle, slack, rest: (row) => ofRest * bytes[row * layout.stride]! };
  }

  /** @param room how many times the largest value there is may still come */
  private encodeAll(room: number): void {
    const { encoder, layout, rows } = this;
    encoder.measure(rows, room);
    const bytes = new Int8Array(this.scan.memory.buffer);
    for (let row = 0; row < rows; row++) encoder.encode(row, bytes, layout.rows + row * layout.stride);
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
