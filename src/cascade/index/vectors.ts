import { TwoTowerError } from '../../errors.js';
import { innerProductAt } from '../../inner-product.js';
import type { IndexMetric } from './metric.js';
import type { Vectors } from './retrieval-index.js';

/** The vectors of an index in one array, under their row numbers. For the cosine they are kept at length 1. */
export class VectorTable {
  private constructor(
    readonly metric: IndexMetric,
    readonly width: number,
    private values: Float32Array,
    private mask: Uint8Array,
    private used: number,
    private alive: number,
  ) {}

  /**
   * Copies the vectors.
   *
   * @param vectors [rows, width]
   * @param present [rows], 0 = the row cannot be found
   * @throws RangeError on shapes that do not fit; TwoTowerError DATA_VALUE on NaN or infinity in a present row
   */
  static of(metric: IndexMetric, { data, shape }: Vectors, present?: Uint8Array): VectorTable {
    const [rows, width] = shape;
    if (shape.length !== 2 || rows === undefined || width === undefined || width < 1 || data.length !== rows * width) {
      throw new RangeError(`index: ${data.length} values are no vectors of shape [${shape}]`);
    }
    if (present !== undefined && present.length !== rows) {
      throw new RangeError(`index: the mask of present rows has ${present.length} entries for ${rows} rows`);
    }
    const mask = present === undefined ? new Uint8Array(rows).fill(1) : present.map((value) => (value === 0 ? 0 : 1));
    const table = new VectorTable(metric, width, new Float32Array(data.length), mask, rows, 0);
    for (let row = 0; row < rows; row++) {
      if (mask[row] === 0) continue;
      table.write(row, data.subarray(row * width, (row + 1) * width));
      table.alive++;
    }
    return table;
  }

  /** Takes over arrays that were read from a file and checked there. */
  static adopt(metric: IndexMetric, width: number, values: Float32Array, mask: Uint8Array): VectorTable {
    return new VectorTable(
      metric,
      width,
      values,
      mask,
      mask.length,
      mask.reduce((sum, value) => sum + value, 0),
    );
  }

  get rows(): number {
    return this.used;
  }

  get count(): number {
    return this.alive;
  }

  /** [rows, width]; rows that are not present are zero. A view: it is out of date once a row has been added. */
  get data(): Float32Array {
    return this.values.subarray(0, this.used * this.width);
  }

  /** [rows], 1 = present. A view like `data`. */
  get present(): Uint8Array {
    return this.mask.subarray(0, this.used);
  }

  has(row: number): boolean {
    return row < this.used && this.mask[row] === 1;
  }

  set(row: number, vector: Float32Array): void {
    if (!Number.isSafeInteger(row) || row < 0 || row > this.used) {
      throw new RangeError(
        `index: row ${row} cannot be added; rows are 0 to ${this.used - 1}, the next is ${this.used}`,
      );
    }
    if (vector.length !== this.width) {
      throw new RangeError(
        `index: row ${row} has ${vector.length} values, the vectors of this index have ${this.width}`,
      );
    }
    if (row === this.mask.length) this.grow();
    this.write(row, vector);
    if (row === this.used) this.used++;
    if (this.mask[row] === 0) this.alive++;
    this.mask[row] = 1;
  }

  delete(row: number): boolean {
    if (!this.has(row)) return false;
    this.mask[row] = 0;
    this.values.fill(0, row * this.width, (row + 1) * this.width);
    this.alive--;
    return true;
  }

  /** The inner product of a row with the vector that begins at `offset` of `queries`, summed in double precision. */
  score(row: number, queries: Float32Array, offset: number): number {
    const { values, width } = this;
    return Math.fround(innerProductAt(values, row * width, queries, offset, width));
  }

  private write(row: number, vector: Float32Array): void {
    // Checked before the first value is written: a refused vector leaves the row as it was.
    const scale = usableScale(vector, this.metric, `row ${row} of the index`);
    const start = row * this.width;
    for (let i = 0; i < this.width; i++) this.values[start + i] = vector[i]! * scale;
  }

  private grow(): void {
    const rows = Math.max(16, Math.ceil(this.mask.length * 1.5));
    const values = new Float32Array(rows * this.width);
    values.set(this.values);
    const mask = new Uint8Array(rows);
    mask.set(this.mask);
    this.values = values;
    this.mask = mask;
  }
}

/** Queries as the vectors of the index are kept. */
export interface PreparedQueries {
  /** [count, vectors, width] */
  data: Float32Array;
  /** Q */
  count: number;
  /** K: vectors of one query */
  vectors: number;
}

/** @throws RangeError on a shape that does not fit; TwoTowerError DATA_VALUE on NaN or infinity */
export function prepareQueries({ data, shape }: Vectors, width: number, metric: IndexMetric): PreparedQueries {
  const count = shape[0] ?? 0;
  const vectors = shape.length === 3 ? shape[1]! : 1;
  const fits = (shape.length === 2 || shape.length === 3) && shape.at(-1) === width && vectors > 0;
  if (!fits || data.length !== count * vectors * width) {
    throw new RangeError(
      `index: queries of shape [${shape}] with ${data.length} values; wanted [Q, ${width}] or [Q, K, ${width}]`,
    );
  }
  const prepared = metric === 'cosine' ? new Float32Array(data.length) : data;
  for (let start = 0; start < data.length; start += width) {
    const vector = data.subarray(start, start + width);
    const scale = usableScale(vector, metric, `query ${Math.floor(start / width / vectors)}`);
    if (metric === 'cosine') for (let i = 0; i < width; i++) prepared[start + i] = vector[i]! * scale;
  }
  return { data: prepared, count, vectors };
}

/** What a vector is multiplied with before it is kept or searched for; the cosine with a vector of zeros is 0. */
function usableScale(vector: Float32Array, metric: IndexMetric, where: string): number {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i]! * vector[i]!;
  if (!Number.isFinite(squares)) {
    const column = vector.findIndex((value) => !Number.isFinite(value));
    throw new TwoTowerError(
      'DATA_VALUE',
      `${where}: value ${column} of the vector is ${vector[column]}`,
      'Only finite vectors can be compared: a model that yields others has diverged.',
    );
  }
  return metric === 'cosine' ? (squares === 0 ? 0 : 1 / Math.sqrt(squares)) : 1;
}
