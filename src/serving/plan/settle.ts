/** When something that gets faster for a while is taken to have settled. */
export interface Settle {
  /** Rounds at most, and the last so many of which none may be much faster than the ones before. */
  most: number;
  last: number;
}

/** What a round takes less is no gain. */
const GAIN = 0.05;

/**
 * Repeats a round until the last ones were no faster than those before: a service is interpreted at first and compiled piece by
 * piece, which takes it thousands of requests.
 *
 * @returns rounds that it took
 */
export async function settled(round: () => Promise<number>, { most, last }: Settle): Promise<number> {
  const times: number[] = [];
  while (times.length < most) {
    times.push(await round());
    if (times.length <= last) continue;
    const before = Math.min(...times.slice(0, -last));
    if (Math.min(...times.slice(-last)) > (1 - GAIN) * before) break;
  }
  return times.length;
}
