/** Rows that stand for all when directions are looked for. */
const SAMPLE = 4096;
/** Finding directions takes longer the more columns there are, and gains nothing once where vectors are made. */
const WIDEST = 512;
const ROUNDS = 12;
/** Directions are worth their while where all others hold no more of what rows vary by. */
const REST = 0.015;
/** What subtracting squares may lose of a length: the root of double precision, several times over. */
const SLACK = 1e-6;

/** Some directions that rows vary along most, orthonormal, and the mean of the rows. */
export interface Directions {
  /** [directions, width] */
  axes: Float64Array;
  /** [width] */
  mean: Float64Array;
}

/** Numbers of which the inner product with those of another vector is bounded from above, or is what it was. */
export interface Coordinates {
  readonly count: number;
  /** Where numbers are along these, one more is the length of what they leave, so that its product is only a bound. */
  readonly directions: Directions | undefined;
  /** Lengths of vectors are taken from here. [width] */
  readonly mean: Float64Array;
  /** @param vector [width] @param into [count] */
  ofRow(vector: Float32Array, into: Float64Array): void;
  /** @param query [width] @param into [count] */
  ofQuery(query: Float32Array, into: Float64Array): void;
}

/** The values of a vector themselves. */
export function allColumns(width: number): Coordinates {
  const set = (vector: Float32Array, into: Float64Array) => into.set(vector);
  return { count: width, directions: undefined, mean: new Float64Array(width), ofRow: set, ofQuery: set };
}

/**
 * Vectors of trained towers vary along few directions.
 *
 * @param read copies the vector of a row
 * @param multiple the count of coordinates along them is a multiple of this
 * @returns undefined where no fewer numbers than the columns do
 */
export function leadingDirections(
  width: number,
  rows: number,
  read: (row: number, into: Float32Array) => void,
  multiple: number,
): Directions | undefined {
  const most = multiple * (Math.ceil(width / multiple) - 1) - 1;
  if (most < 1 || width > WIDEST) return undefined;
  const { mean, moments } = momentsOf(width, rows, read);
  let total = 0;
  for (let i = 0; i < width; i++) total += moments[i * width + i]!;
  const axes = orthogonalIteration(moments, width, most);
  const image = new Float64Array(width);
  let held = 0;
  for (let axis = 0; axis < most; axis++) {
    const at = axes.subarray(axis * width, (axis + 1) * width);
    multiply(moments, width, at, image);
    held += dot(at, image);
    if ((axis + 2) % multiple === 0 && total - held <= REST * total) {
      return { axes: axes.slice(0, (axis + 1) * width), mean };
    }
  }
  return undefined;
}

/**
 * Coordinates along directions, and the length of what is left over: by the inequality of Cauchy and Schwarz the inner product of two
 * vectors differs from that of their coordinates by no more than the product of what is left of them. Rows count from their mean,
 * which moves all scores of a query alike.
 */
export function along(directions: Directions): Coordinates {
  const { axes, mean } = directions;
  const width = mean.length;
  const count = axes.length / width + 1;
  const centred = new Float64Array(width);
  const project = (into: Float64Array) => {
    let square = 0;
    for (let i = 0; i < width; i++) square += centred[i]! * centred[i]!;
    let left = square;
    for (let axis = 0, at = 0; axis < count - 1; axis++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += axes[at++]! * centred[i]!;
      into[axis] = sum;
      left -= sum * sum;
    }
    into[count - 1] = Math.sqrt(Math.max(0, left)) + SLACK * Math.sqrt(square);
  };
  return {
    count,
    directions,
    mean,
    ofRow(vector, into) {
      for (let i = 0; i < width; i++) centred[i] = vector[i]! - mean[i]!;
      project(into);
    },
    ofQuery(query, into) {
      centred.set(query);
      project(into);
    },
  };
}

/** The mean of sampled rows, and the mean products of their columns about it, [width, width]. Rows that are not finite do not count. */
function momentsOf(width: number, rows: number, read: (row: number, into: Float32Array) => void) {
  const count = Math.min(rows, SAMPLE);
  const mean = new Float64Array(width);
  const moments = new Float64Array(width * width);
  const vector = new Float32Array(width);
  let sampled = 0;
  for (let i = 0; i < count; i++) {
    read(Math.floor((i * rows) / count), vector);
    if (!vector.every(Number.isFinite)) continue;
    sampled++;
    for (let a = 0; a < width; a++) {
      mean[a]! += vector[a]!;
      for (let b = 0; b <= a; b++) moments[a * width + b]! += vector[a]! * vector[b]!;
    }
  }
  for (let a = 0; a < width; a++) mean[a]! /= Math.max(1, sampled);
  for (let a = 0; a < width; a++) {
    for (let b = 0; b <= a; b++) {
      const moment = moments[a * width + b]! / Math.max(1, sampled) - mean[a]! * mean[b]!;
      moments[a * width + b] = moment;
      moments[b * width + a] = moment;
    }
  }
  return { mean, moments };
}

/**
 * About the eigenvectors of the largest eigenvalues, largest first, exactly orthonormal: as bounds hold along any orthonormal
 * directions, a few rounds do.
 *
 * @returns [count, width]
 */
function orthogonalIteration(matrix: Float64Array, width: number, count: number): Float64Array {
  const axes = new Float64Array(count * width);
  // Rows of the matrix lie where it is large.
  const order = Array.from({ length: width }, (_, i) => i).sort(
    (a, b) => matrix[b * width + b]! - matrix[a * width + a]!,
  );
  for (let axis = 0; axis < count; axis++) axes[axis * width + order[axis]!] = 1;
  const image = new Float64Array(width);
  for (let round = 0; round < ROUNDS; round++) {
    for (let axis = 0; axis < count; axis++) {
      const at = axes.subarray(axis * width, (axis + 1) * width);
      multiply(matrix, width, at, image);
      at.set(image);
    }
    orthonormalize(axes, width);
  }
  return axes;
}

/** Gram and Schmidt, twice for what rounding leaves. What is within the span of those before becomes zero. */
function orthonormalize(axes: Float64Array, width: number): void {
  for (let start = 0; start < axes.length; start += width) {
    const axis = axes.subarray(start, start + width);
    const before = Math.sqrt(dot(axis, axis));
    for (let twice = 0; twice < 2; twice++) {
      for (let other = 0; other < start; other += width) {
        const earlier = axes.subarray(other, other + width);
        const shared = dot(axis, earlier);
        for (let i = 0; i < width; i++) axis[i]! -= shared * earlier[i]!;
      }
    }
    const length = Math.sqrt(dot(axis, axis));
    const scale = length > 1e-10 * before ? 1 / length : 0;
    for (let i = 0; i < width; i++) axis[i]! *= scale;
  }
}

function multiply(matrix: Float64Array, width: number, by: Float64Array, into: Float64Array): void {
  for (let i = 0; i < width; i++) into[i] = dot(matrix.subarray(i * width, (i + 1) * width), by);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
