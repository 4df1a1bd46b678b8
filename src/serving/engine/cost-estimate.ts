/** How much of a new measurement enters the average. */
const WEIGHT = 0.1;
/**
 * What remains of an estimate each time it has a phase skipped. Nothing is measured of a skipped phase, so that after one slow
 * spell it would be skipped for ever; so it is tried again after some time.
 */
const FADING = 0.95;

/** Predicts what a phase takes, by a running average for each power of two of candidates. */
export class CostEstimate {
  private readonly averages: (number | undefined)[] = [];
  private readonly counts: number[] = [];

  /** Milliseconds for so many candidates; undefined before anything was measured. */
  predict(count: number): number | undefined {
    const size = sizeOf(count);
    if (this.averages[size] !== undefined) return this.averages[size];
    // Of the nearest size below, at least as much; of one above, at most.
    for (let lower = size - 1; lower >= 0; lower--) if (this.averages[lower] !== undefined) return this.averages[lower];
    return this.averages.slice(size).find((average) => average !== undefined);
  }

  measured(count: number, ms: number): void {
    const size = sizeOf(count);
    const seen = this.counts[size] ?? 0;
    this.counts[size] = seen + 1;
    // The first run of a size allocates memory that the others find there.
    if (seen === 0) return;
    const before = this.averages[size];
    this.averages[size] = before === undefined ? ms : before + Math.max(WEIGHT, 1 / seen) * (ms - before);
  }

  skipped(count: number): void {
    const size = sizeOf(count);
    const predicted = this.predict(count);
    if (predicted !== undefined) this.averages[size] = predicted * FADING;
  }
}

function sizeOf(count: number): number {
  return 32 - Math.clz32(Math.max(1, count));
}
