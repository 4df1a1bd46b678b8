import type { AnswerBase, Phase } from '../contract.js';

const BUCKET_SECONDS = 5;
const BUCKETS = 180;
/** Latencies are counted in classes whose bounds grow by a tenth, from 0.05 ms: percentiles are right to five in a hundred. */
const FIRST_MS = 0.05;
const GROWTH = 1.1;
const CLASSES = 140;
const RECENT_USERS = 20;

export type RequestKind = 'recommend' | 'rank';

interface PhaseSums {
  count: number;
  in: number;
  kept: number;
  ms: number;
}

interface Bucket {
  /** Number of the interval since 1970. */
  interval: number;
  requests: number;
  failures: number;
  refused: number;
  degraded: number;
  latency: Uint32Array;
  /** By `VERSION PHASE`. */
  phases: Map<string, PhaseSums>;
  versions: Map<string, number>;
}

/** The last quarter of an hour in intervals of five seconds, for the dashboard. All memory is bounded. */
export class LiveStats {
  private readonly buckets: Bucket[] = [];
  private readonly users = new Map<string, { version: string; time: number }>();

  /** @param now milliseconds since 1970 */
  constructor(private readonly now: () => number = Date.now) {}

  /** One answer of the engine. */
  answer(kind: RequestKind, user: string | undefined, { version, phases, degraded }: AnswerBase): void {
    const bucket = this.current();
    bucket.versions.set(version, (bucket.versions.get(version) ?? 0) + 1);
    if (degraded.length > 0) bucket.degraded++;
    // What `rank` scores is chosen by its client: it says nothing of the funnel.
    if (kind === 'recommend') {
      for (const { phase, in: entered, kept, ms } of phases) {
        const key = `${version} ${phase}`;
        const sums = bucket.phases.get(key) ?? { count: 0, in: 0, kept: 0, ms: 0 };
        bucket.phases.set(key, {
          count: sums.count + 1,
          in: sums.in + entered,
          kept: sums.kept + kept,
          ms: sums.ms + ms,
        });
      }
    }
    if (user === undefined || user.length > 100) return;
    this.users.delete(user);
    this.users.set(user, { version, time: this.now() });
    if (this.users.size > RECENT_USERS) this.users.delete(this.users.keys().next().value!);
  }

  /** One finished request for recommendations or a ranking. */
  response(status: number, ms: number): void {
    const bucket = this.current();
    bucket.requests++;
    if (status === 429 || status === 503) bucket.refused++;
    else if (status >= 500) bucket.failures++;
    if (status < 400) bucket.latency[classOf(ms)]!++;
  }

  /** @returns intervals, oldest first, the one that has not ended yet left out; and the funnel over the last minute */
  snapshot() {
    const interval = this.intervalOf(this.now());
    const over = this.buckets.filter((bucket) => bucket.interval < interval && bucket.interval >= interval - BUCKETS);
    const lastMinute = this.buckets.filter((bucket) => bucket.interval > interval - 60 / BUCKET_SECONDS);
    const latency = sumOf(lastMinute.map((bucket) => bucket.latency));
    return {
      bucketSeconds: BUCKET_SECONDS,
      series: over.map((bucket) => ({
        time: bucket.interval * BUCKET_SECONDS,
        perSecond: bucket.requests / BUCKET_SECONDS,
        failures: bucket.failures,
        refused: bucket.refused,
        degraded: bucket.degraded,
        p50: percentile(bucket.latency, 0.5),
        p95: percentile(bucket.latency, 0.95),
        p99: percentile(bucket.latency, 0.99),
      })),
      lastMinute: {
        requests: lastMinute.reduce((sum, { requests }) => sum + requests, 0),
        p50: percentile(latency, 0.5),
        p95: percentile(latency, 0.95),
        p99: percentile(latency, 0.99),
        funnel: funnelOf(lastMinute),
        versions: Object.fromEntries(total(lastMinute.map(({ versions }) => versions))),
      },
      recentUsers: [...this.users].reverse().map(([user, { version, time }]) => ({ user, version, time: time / 1000 })),
    };
  }

  private intervalOf(time: number): number {
    return Math.floor(time / 1000 / BUCKET_SECONDS);
  }

  private current(): Bucket {
    const interval = this.intervalOf(this.now());
    const last = this.buckets.at(-1);
    // A clock that was set back goes on in the newest interval.
    if (last !== undefined && last.interval >= interval) return last;
    const bucket: Bucket = {
      interval,
      requests: 0,
      failures: 0,
      refused: 0,
      degraded: 0,
      latency: new Uint32Array(CLASSES),
      phases: new Map(),
      versions: new Map(),
    };
    this.buckets.push(bucket);
    if (this.buckets.length > BUCKETS + 1) this.buckets.shift();
    return bucket;
  }
}

export type LiveSnapshot = ReturnType<LiveStats['snapshot']>;

function classOf(ms: number): number {
  if (!(ms > FIRST_MS)) return 0;
  return Math.min(CLASSES - 1, Math.ceil(Math.log(ms / FIRST_MS) / Math.log(GROWTH)));
}

/** The upper bound of the class in which the value stands; null where nothing was counted. */
function percentile(classes: Uint32Array, share: number): number | null {
  const count = classes.reduce((sum, value) => sum + value, 0);
  if (count === 0) return null;
  let seen = 0;
  const at = classes.findIndex((value) => {
    seen += value;
    return seen >= share * count;
  });
  return FIRST_MS * GROWTH ** at;
}

function sumOf(all: Uint32Array[]): Uint32Array {
  const sum = new Uint32Array(CLASSES);
  for (const one of all) for (let i = 0; i < CLASSES; i++) sum[i]! += one[i]!;
  return sum;
}

function total(all: Map<string, number>[]): Map<string, number> {
  const sum = new Map<string, number>();
  for (const one of all) for (const [key, value] of one) sum.set(key, (sum.get(key) ?? 0) + value);
  return sum;
}

function funnelOf(buckets: Bucket[]) {
  const sums = new Map<string, PhaseSums>();
  for (const { phases } of buckets) {
    for (const [key, add] of phases) {
      const sum = sums.get(key) ?? { count: 0, in: 0, kept: 0, ms: 0 };
      sums.set(key, {
        count: sum.count + add.count,
        in: sum.in + add.in,
        kept: sum.kept + add.kept,
        ms: sum.ms + add.ms,
      });
    }
  }
  return [...sums].map(([key, { count, in: entered, kept, ms }]) => {
    const [version, phase] = key.split(' ') as [string, Phase];
    return { version, phase, requests: count, in: entered / count, kept: kept / count, ms: ms / count };
  });
}
