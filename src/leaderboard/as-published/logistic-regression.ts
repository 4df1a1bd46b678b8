/** Newton steps are few: the loss is convex, and each step solves its quadratic approximation. */
const MOST_STEPS = 50;
const ENOUGH = 1e-10;
/** Keeps features that are sums of others, or constant, from making the equations insoluble. */
const RIDGE = 1e-9;

/**
 * Maximum likelihood of a logistic regression, by Newton's method.
 *
 * @param columns one array of N values per feature
 * @param labels [N], 0 or 1
 * @returns weights of the features, and last the constant
 */
export function fitLogistic(columns: readonly Float64Array[], labels: Uint8Array): Float64Array {
  const size = columns.length + 1;
  const weights = new Float64Array(size);
  const x = new Float64Array(size).fill(1);
  for (let step = 0; step < MOST_STEPS; step++) {
    const gradient = new Float64Array(size);
    const curvature = Array.from({ length: size }, () => new Float64Array(size));
    for (let row = 0; row < labels.length; row++) {
      for (let i = 0; i < columns.length; i++) x[i] = columns[i]![row]!;
      let logit = 0;
      for (let i = 0; i < size; i++) logit += weights[i]! * x[i]!;
      const p = 1 / (1 + Math.exp(-logit));
      for (let i = 0; i < size; i++) {
        gradient[i]! += ((labels[row]! - p) * x[i]!) / labels.length;
        const scaled = (p * (1 - p) * x[i]!) / labels.length;
        for (let j = 0; j <= i; j++) curvature[i]![j]! += scaled * x[j]!;
      }
    }
    for (let i = 0; i < size; i++) {
      curvature[i]![i]! += RIDGE;
      for (let j = 0; j < i; j++) curvature[j]![i] = curvature[i]![j]!;
    }
    const change = solve(curvature, gradient);
    change.forEach((value, i) => {
      weights[i]! += value;
    });
    if (change.every((value) => Math.abs(value) < ENOUGH)) break;
  }
  return weights;
}

/** The log-odds that such weights give: [N]. */
export function logitsOf(weights: Float64Array, columns: readonly Float64Array[]): Float32Array {
  const count = columns[0]!.length;
  return Float32Array.from({ length: count }, (_, row) =>
    columns.reduce((sum, column, i) => sum + weights[i]! * column[row]!, weights.at(-1)!),
  );
}

/** Gaussian elimination with the greatest pivot. */
function solve(matrix: readonly Float64Array[], right: Float64Array): Float64Array {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  const size = rows.length;
  for (let at = 0; at < size; at++) {
    let best = at;
    for (let i = at + 1; i < size; i++) if (Math.abs(rows[i]![at]!) > Math.abs(rows[best]![at]!)) best = i;
    [rows[at], rows[best]] = [rows[best]!, rows[at]!];
    for (let i = 0; i < size; i++) {
      if (i === at) continue;
      const factor = rows[i]![at]! / rows[at]![at]!;
      for (let j = at; j <= size; j++) rows[i]![j]! -= factor * rows[at]![j]!;
    }
  }
  return Float64Array.from(rows, (row, i) => row[size]! / row[i]!);
}
