import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { AnswerBase, EngineHost, Stale } from '../contract.js';
import type { StateStatus } from '../state/serving-state.js';

/** Upper bounds in seconds: fine where the goals are (2, 5, 8, 15 ms), coarse beyond. */
const SECONDS = [0.0005, 0.001, 0.002, 0.003, 0.005, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1, 2.5, 10];

const STALE = ['unreachable', 'lost', 'behind'] as const satisfies Stale['reason'][];

/** Answers whose version is remembered, so that feedback that names one counts for it. */
const REMEMBERED_ANSWERS = 50_000;

/** What Prometheus reads at `/metrics`. */
export class ServiceMetrics {
  readonly registry = new Registry();
  private readonly versionOf = new Map<string, string>();

  private readonly responses = this.counter('http_responses_total', 'answers', ['route', 'status']);
  private readonly seconds = this.histogram('http_seconds', 'from the request line to the end of the answer', [
    'route',
  ]);
  private readonly requests = this.counter('requests_total', 'answers of the engine', ['version', 'kind']);
  private readonly engineSeconds = this.histogram('engine_seconds', 'in the engine, waiting included', [
    'version',
    'kind',
  ]);
  private readonly queueSeconds = this.histogram('queue_seconds', 'waiting for a worker', ['version']);
  private readonly phaseSeconds = this.histogram('phase_seconds', 'in one phase', ['version', 'phase']);
  private readonly degraded = this.counter('degraded_total', 'phases that were skipped', [
    'version',
    'phase',
    'reason',
  ]);
  private readonly recommended = this.counter('recommended_items_total', 'items in answers', ['version']);
  private readonly feedback = this.counter('feedback_total', 'feedback above zero on answers that it names', [
    'version',
    'feedback',
  ]);
  private readonly changes = this.counter('changes_total', 'rows of changes', ['kind', 'outcome']);

  constructor(host: EngineHost, underWay: () => number, state: () => StateStatus) {
    collectDefaultMetrics({ register: this.registry });
    const gauge = (name: string, help: string, labelNames: string[], read: (set: Gauge) => void) => {
      new Gauge({
        name: `twotower_${name}`,
        help,
        labelNames,
        registers: [this.registry],
        collect() {
          this.reset();
          read(this);
        },
      });
    };
    gauge('ready', 'whether the current version is loaded and warm', [], (set) => set.set(host.ready() ? 1 : 0));
    gauge('http_under_way', 'requests under way', [], (set) => set.set(underWay()));
    gauge('service_busy_seconds', 'in which the thread that speaks HTTP did something', [], (set) =>
      set.set(performance.eventLoopUtilization().active / 1000),
    );
    gauge('refused_versions', 'versions that were tried and refused', [], (set) => set.set(host.refused().length));
    gauge('state_stale', 'whether items and users may be older than what is stored, by reason', ['reason'], (set) => {
      const { stale } = state();
      for (const reason of STALE) set.set({ reason }, stale?.reason === reason ? 1 : 0);
    });
    gauge('state_behind', 'stored changes that are not applied here yet', [], (set) => set.set(state().behind));
    gauge('state_rebuilt', 'times that all of the shared state was read again', [], (set) => set.set(state().rebuilt));
    const perVersion = (name: string, help: string, read: (live: ReturnType<EngineHost['live']>[number]) => number) =>
      gauge(name, help, ['version'], (set) => {
        for (const live of host.live()) set.set({ version: live.info.id }, read(live));
      });
    perVersion('traffic_share', 'share of the users', ({ share }) => share);
    perVersion('queued', 'requests that wait for a worker', ({ stats }) => stats.queued);
    perVersion('running', 'requests in workers', ({ stats }) => stats.running);
    perVersion('items', 'items that can be retrieved', ({ stats }) => stats.items);
    perVersion('users', 'users that are known', ({ stats }) => stats.users);
    perVersion('engine_refused', 'requests that found the queue full', ({ stats }) => stats.refused);
    perVersion('engine_failed', 'requests that failed', ({ stats }) => stats.failed);
    perVersion(
      'workers_busy_seconds',
      'in which worker threads did something, all together',
      ({ stats }) => stats.workersBusyMs / 1000,
    );
    perVersion('user_cache_hits', 'user states found', ({ stats }) => stats.cache.hits);
    perVersion('user_cache_misses', 'user states computed', ({ stats }) => stats.cache.misses);
    perVersion('user_cache_size', 'user states kept', ({ stats }) => stats.cache.size);
  }

  response(route: string, status: number, seconds: number): void {
    this.responses.inc({ route, status });
    this.seconds.observe({ route }, seconds);
  }

  answer(kind: 'recommend' | 'rank', requestId: string, answer: AnswerBase, items: number): void {
    const { version, phases, degraded, timing } = answer;
    this.requests.inc({ version, kind });
    this.engineSeconds.observe({ version, kind }, timing.totalMs / 1000);
    this.queueSeconds.observe({ version }, timing.queueMs / 1000);
    for (const { phase, ms } of phases) this.phaseSeconds.observe({ version, phase }, ms / 1000);
    for (const { phase, reason } of degraded) this.degraded.inc({ version, phase, reason });
    this.recommended.inc({ version }, items);
    this.versionOf.set(requestId, version);
    if (this.versionOf.size > REMEMBERED_ANSWERS) this.versionOf.delete(this.versionOf.keys().next().value!);
  }

  /** Counts feedback for the version whose answer it names. */
  feedbackOn(requestId: string | undefined, feedback: Record<string, number>): void {
    const version = requestId === undefined ? undefined : this.versionOf.get(requestId);
    if (version === undefined) return;
    for (const [name, value] of Object.entries(feedback)) if (value > 0) this.feedback.inc({ version, feedback: name });
  }

  change(kind: string, { applied, ignored }: { applied: number; ignored: number }): void {
    this.changes.inc({ kind, outcome: 'applied' }, applied);
    this.changes.inc({ kind, outcome: 'ignored' }, ignored);
  }

  private counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name: `twotower_${name}`, help, labelNames, registers: [this.registry] });
  }

  private histogram(name: string, help: string, labelNames: string[]): Histogram {
    return new Histogram({ name: `twotower_${name}`, help, labelNames, buckets: SECONDS, registers: [this.registry] });
  }
}
