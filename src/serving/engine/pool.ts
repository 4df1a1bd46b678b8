import { TwoTowerError } from '../../errors.js';
import type { Lane } from './lane.js';
import type { Job, JobResult } from './messages.js';
import type { ShortWay } from './short-way.js';

/** Jobs a lane holds at once: one that runs, and the next, so that it does not wait for the answer's way back. */
const HELD = 2;

interface Waiting {
  job: Job;
  isWanted: () => boolean;
  resolve: (result: JobResult) => void;
  reject: (error: Error) => void;
}

/** Hands jobs to lanes in the order they came; so many wait, one more is refused. */
export class Pool {
  private readonly held: number[];
  private readonly queue: Waiting[] = [];
  private drained: (() => void)[] = [];
  private closed = false;
  /** Jobs by the number they were given, in that order; those that have ended are gone. */
  private readonly underWay = new Set<number>();
  private nextJob = 0;

  constructor(
    readonly lanes: Lane[],
    private readonly limit: number,
    private readonly shortWay?: ShortWay,
  ) {
    this.held = lanes.map(() => 0);
  }

  /** Everyone who computes with the catalogue. */
  get everyone(): readonly Lane[] {
    return this.shortWay === undefined ? this.lanes : [...this.lanes, this.shortWay.lane];
  }

  get queued(): number {
    return this.queue.length;
  }

  get running(): number {
    return this.held.reduce((a, b) => a + b, 0);
  }

  /** Jobs asked for so far. */
  get asked(): number {
    return this.nextJob;
  }

  /** Whether as many wait as may. */
  isFull(): boolean {
    if (this.queue.length < this.limit || this.freest() !== undefined) return false;
    this.dropUnwanted();
    return this.queue.length >= this.limit;
  }

  /** The earliest job that has not ended; `asked` where all have. */
  get oldest(): number {
    for (const job of this.underWay) return job;
    return this.nextJob;
  }

  /**
   * @param isWanted asked before a job that had to wait is begun; it fails where nobody waits for its answer any more
   * @throws SERVING_OVERLOADED, SERVING_CLOSED
   */
  async run(job: Job, isWanted: () => boolean = () => true): Promise<JobResult> {
    if (this.closed) throw new TwoTowerError('SERVING_CLOSED', 'the engine is shutting down');
    const isShort = this.shortWay?.takes(job) === true;
    if (!isShort && this.isFull()) {
      throw new TwoTowerError(
        'SERVING_OVERLOADED',
        `${this.queue.length} requests wait already`,
        'Ask again later, ask less at once, or give the server more workers.',
      );
    }
    const lane = isShort ? undefined : this.freest();
    const number = this.nextJob++;
    this.underWay.add(number);
    try {
      if (isShort) return await this.shortWay!.run(job);
      if (lane !== undefined) return await this.start(lane, job);
      return await new Promise((resolve, reject) => this.queue.push({ job, isWanted, resolve, reject }));
    } finally {
      this.underWay.delete(number);
      if (this.underWay.size === 0) for (const tell of this.drained.splice(0)) tell();
    }
  }

  /** Refuses what comes from now on, waits for what is under way, and ends the lanes. */
  async close(): Promise<void> {
    this.closed = true;
    if (this.underWay.size > 0) await new Promise<void>((resolve) => this.drained.push(resolve));
    await Promise.all(this.everyone.map((lane) => lane.close()));
  }

  private async start(lane: number, job: Job): Promise<JobResult> {
    this.held[lane]!++;
    try {
      return await this.lanes[lane]!.run(job);
    } finally {
      this.held[lane]!--;
      this.dropUnwanted();
      const next = this.queue.shift();
      if (next !== undefined) this.start(this.freest() ?? lane, next.job).then(next.resolve, next.reject);
    }
  }

  private dropUnwanted(): void {
    for (let at = this.queue.length - 1; at >= 0; at--) {
      const { isWanted, reject } = this.queue[at]!;
      if (isWanted()) continue;
      this.queue.splice(at, 1);
      reject(new TwoTowerError('SERVING_OVERLOADED', 'nobody waits for the answer any more'));
    }
  }

  private freest(): number | undefined {
    let best = 0;
    for (let lane = 1; lane < this.held.length; lane++) if (this.held[lane]! < this.held[best]!) best = lane;
    return this.held[best]! < HELD ? best : undefined;
  }
}
