/**
 * The k-th largest of some whole numbers (Hoare's selection, the median of three as pivot).
 *
 * @param values left as they are
 * @param k from 1 to their number
 */
export function kthLargest(values: Int32Array, k: number): number {
  const sorted = values.slice();
  const wanted = sorted.length - k;
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = sorted[(low + high) >> 1]!;
    const [first, last] = [sorted[low]!, sorted[high]!];
    const pivot = Math.max(Math.min(first, last), Math.min(Math.max(first, last), middle));
    let [i, j] = [low, high];
    while (i <= j) {
      while (sorted[i]! < pivot) i++;
      while (sorted[j]! > pivot) j--;
      if (i > j) break;
      const value = sorted[i]!;
      sorted[i++] = sorted[j]!;
      sorted[j--] = value;
    }
    if (wanted <= j) high = j;
    else if (wanted >= i) low = i;
    else return pivot;
  }
  return sorted[wanted]!;
}
