/** Σ a[from + k] · b[to + k] over `width` values, summed in double precision. */
export function innerProductAt(a: Float32Array, from: number, b: Float32Array, to: number, width: number): number {
  // Four sums at a time: one alone would wait for each addition to end before it began the next.
  let s = 0;
  let t = 0;
  let u = 0;
  let v = 0;
  let i = from;
  let j = to;
  const end = from + width;
  for (; i + 3 < end; i += 4, j += 4) {
    s += a[i]! * b[j]!;
    t += a[i + 1]! * b[j + 1]!;
    u += a[i + 2]! * b[j + 2]!;
    v += a[i + 3]! * b[j + 3]!;
  }
  for (; i < end; i++, j++) s += a[i]! * b[j]!;
  return s + t + (u + v);
}
