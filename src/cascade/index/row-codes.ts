import { allColumns, along, type Coordinates, type Directions, leadingDirections } from './directions.js';
import { PRODUCTS, strideOf } from './scan-code.js';

/** Copies the vector of a row. */
export type ReadRow = (row: number, into: Float32Array) => void;

/** The codes of a table: plain data, made by one thread for all that search it. */
export interface RowCodes {
  rows: number;
  /** What a code is multiplied with, by coordinate. */
  steps: Float64Array;
  /** Absent where the coordinates are the values themselves. */
  directions: Directions | undefined;
  /** [rows, stride], in memory that threads share */
  bytes: Int8Array;
}

/** The largest code of a value. */
export const MOST = 127;
/** Tables of fewer rows are compared before there is anything to gain. */
const LARGE = 1 << 17;

/** Rounds the coordinates of rows to a byte each. */
export class RowEncoder {
  readonly coordinates: Coordinates;
  /** What a code is multiplied with, by coordinate. */
  readonly steps: Float64Array;
  private readonly vector: Float32Array;
  private readonly point: Float64Array;

  /** @param made codes of these rows, to go on with */
  constructor(
    width: number,
    rows: number,
    private readonly read: ReadRow,
    made?: RowCodes,
  ) {
    this.coordinates = made === undefined ? coordinatesOf(width, rows, read) : coordinatesAs(width, made);
    const { count } = this.coordinates;
    this.steps = made?.steps.slice() ?? new Float64Array(count);
    this.vector = new Float32Array(width);
    this.point = new Float64Array(count);
  }

  /** Takes steps that hold what there is in so many rows. @param room how many times the largest value there is may still come */
  measure(rows: number, room: number): void {
    const { point, steps } = this;
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
  }

  /** Whether the steps hold a row. */
  holds(row: number): boolean {
    this.locate(row);
    return !this.point.some((value, i) => Math.abs(value) > MOST * this.steps[i]!);
  }

  /** Writes the codes of a row from a place on. */
  encode(row: number, bytes: Int8Array, start: number): void {
    this.locate(row);
    const { point, steps, coordinates } = this;
    const last = steps.length - 1;
    for (let i = 0; i <= last; i++) bytes[start + i] = steps[i] === 0 ? 0 : Math.round(point[i]! / steps[i]!);
    // A bound is rounded up; the largest there is may come out above itself by the last bit.
    if (coordinates.directions) bytes[start + last] = Math.min(MOST, Math.ceil(point[last]! / steps[last]!));
  }

  /** The coordinates of a row, in `point`. */
  private locate(row: number): void {
    this.read(row, this.vector);
    this.coordinates.ofRow(this.vector, this.point);
  }
}

/** The codes of all rows of a table. @throws RangeError where they do not fit in memory */
export function encodeRows(width: number, rows: number, read: ReadRow): RowCodes {
  const encoder = new RowEncoder(width, rows, read);
  const { coordinates, steps } = encoder;
  const stride = strideOf(coordinates.count);
  const bytes = new Int8Array(new SharedArrayBuffer(rows * stride));
  encoder.measure(rows, 1);
  for (let row = 0; row < rows; row++) encoder.encode(row, bytes, row * stride);
  return { rows, steps, directions: coordinates.directions, bytes };
}

function coordinatesOf(width: number, rows: number, read: ReadRow): Coordinates {
  const directions = rows >= LARGE ? leadingDirections(width, rows, read, PRODUCTS) : undefined;
  return directions === undefined ? allColumns(width) : along(directions);
}

function coordinatesAs(width: number, { directions }: RowCodes): Coordinates {
  return directions === undefined ? allColumns(width) : along(directions);
}
