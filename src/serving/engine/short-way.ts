import type { Phase } from '../contract.js';
import type { Lane } from './lane.js';
import type { Job, JobResult } from './messages.js';

/**
 * What a ranking may take to be done on the thread that was asked, whatever else there is to do. Handing a job to a worker and taking
 * its answer costs that thread as much in messages as scoring 1,000 candidates by inner products, and the worker as much again:
 * measured, 0.77 ms of processor time for a request became 0.40.
 */
export const MOST_MS = 0.2;
/**
 * The same while the thread has nothing else to do: an answer then comes sooner by the two threads' waking and by what one has in its
 * caches and the other has not; measured, 0.9 ms of 4.1.
 */
const MOST_AT_REST_MS = 2;
/** A thread that did something for less than this share of the time has time for more. */
const AT_REST = 0.6;
/** Milliseconds over which that is looked at. */
const WINDOW_MS = 100;
/** Runs of which the fastest counts: the first ones are not compiled yet, and what the machine does besides only makes them slower. */
const RUNS = 40;
/** After so many it is told whether a phase is far too slow. */
const FEW_RUNS = 10;
const FAR_TOO_SLOW_MS = 2 * MOST_AT_REST_MS;

/** Rankings that are done sooner than they are handed over: few candidates of a user whose state is kept. */
export class ShortWay {
  /** Milliseconds that one candidate takes, by phase. */
  private readonly perCandidate = new Map<Phase, number>();
  private underWay = 0;

  /**
   * @param lane on the calling thread; it never runs the user part
   * @param busy the share of the last moments in which this thread did something
   */
  constructor(
    readonly lane: Lane,
    private readonly busy: () => number = utilization(),
  ) {}

  takes({ candidates, phases }: Job): boolean {
    const [only] = phases;
    if (candidates === undefined || phases.length !== 1 || !('state' in only!.user)) return false;
    const ms = candidates.length * (this.perCandidate.get(only!.phase) ?? Number.POSITIVE_INFINITY);
    if (ms <= MOST_MS || candidates.length === 0) return true;
    // A second one would wait for the first, where a worker might begin with it now.
    return ms <= MOST_AT_REST_MS && this.underWay === 0 && this.busy() < AT_REST;
  }

  async run(job: Job): Promise<JobResult> {
    this.underWay++;
    try {
      return await this.lane.run(job);
    } finally {
      this.underWay--;
    }
  }

  /** Finds how many candidates a phase can score in time. @param job a ranking of a user whose state is known */
  async measure(job: Job): Promise<void> {
    const { phase } = job.phases[0]!;
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0; run < RUNS; run++) {
      if (run === FEW_RUNS && best > FAR_TOO_SLOW_MS) break;
      const { reports } = await this.lane.run(job);
      for (const { ms } of reports) best = Math.min(best, ms);
    }
    this.perCandidate.set(phase, best / job.candidates!.length);
  }
}

/** Says for which share of the last moments this thread's event loop was not waiting; all of it until that is known. */
function utilization(): () => number {
  const { eventLoopUtilization } = performance;
  let before = eventLoopUtilization();
  let share = 1;
  return () => {
    const { idle, active, utilization } = eventLoopUtilization(before);
    if (idle + active >= WINDOW_MS) {
      share = utilization;
      before = eventLoopUtilization();
    }
    return share;
  };
}
