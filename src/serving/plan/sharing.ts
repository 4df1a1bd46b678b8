/**
 * How many times as long a thread takes because of the others on its machine: each of them wants a core with the chance of its
 * utilisation, independently, and where n threads want c cores each has c/n of one: 1 / E[min(1, c / (1 + others that want one))].
 *
 * @param others utilisations of the other threads, from 0 to 1
 */
export function stretch(cores: number, others: readonly number[]): number {
  /** The chance that so many want a core. */
  let wanting = [1];
  for (const utilisation of others) {
    const share = Math.min(1, utilisation);
    wanting = Array.from(
      { length: wanting.length + 1 },
      (_, n) => (wanting[n] ?? 0) * (1 - share) + (wanting[n - 1] ?? 0) * share,
    );
  }
  return 1 / wanting.reduce((sum, chance, n) => sum + chance * Math.min(1, cores / (n + 1)), 0);
}
