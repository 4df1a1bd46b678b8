import { openTruth } from '../data/funnel/truth-files.js';
import { TwoTowerError } from '../errors.js';
import { type Environment, environment } from '../runs/environment.js';
import { collect, pass } from './collect.js';
import { type RequestCost, requestCost } from './cost.js';
import { type FunnelMetrics, funnelMetrics } from './funnel-metrics.js';
import type { Guarantees } from './guarantees.js';
import { measureGuarantees } from './measure-guarantees.js';
import { measureTruth } from './measure-truth.js';
import type { Cascade, PhaseName } from './open.js';
import { type CascadeRequests, drawRequests, requestsOf, selectRequests } from './requests.js';
import { type SweepPoint, sweep, usualLengths } from './sweep.js';
import { type RequestTimes, timeRequests } from './timing.js';
import type { TrueFunnel } from './true-funnel.js';
import { type UpqeOurs, upqeOurs } from './upqe.js';

/** All that `cascade evaluate` finds: plain data, as it is written to funnel.json. */
export interface FunnelReport {
  dataset: string;
  logHash: string;
  part: 'test' | 'validation';
  label: string;
  /** Which run stands at each phase. */
  runs: { phase: PhaseName; folder: string; model: string; step: number; dataHash: string }[];
  /** Requests of the part that have a relevant item; those of them a run had seen, which are left out; those measured. */
  requests: { withRelevant: number; seen: number; measured: number };
  seed: number;
  ks: number[];
  metrics: FunnelMetrics;
  flops: RequestCost;
  milliseconds: RequestTimes;
  /** t_ref */
  budget: number;
  upqeOurs: UpqeOurs;
  /** Cheapest first. */
  sweep: SweepPoint[];
  /** Where the ranker re-ranks whole lists and can retrieve as well. */
  guarantees?: Guarantees;
  /** Where the log is generated and its truth known. */
  truth?: TrueFunnel;
  environment: Environment;
}

export type EvaluationProgress = (what: string, done: number) => void;

/**
 * Runs a cascade over requests of a held-out part and measures the whole funnel.
 *
 * @throws DATA_SPLIT when no request with a relevant item is later than what the runs saw; what `openTruth` does
 */
export async function evaluateCascade(
  cascade: Cascade,
  onProgress: EvaluationProgress = () => {},
): Promise<FunnelReport> {
  const { config, dataset, phases } = cascade;
  const { part, seed, ks, timed, budget } = config.evaluation;
  const all = requestsOf(dataset, dataset.splits[part], config.window);
  const wanted = selectRequests(all, (q) => all.relevant[q]!.length > 0);
  const unseen = unseenRequests(cascade, wanted);
  if (unseen.event.length === 0) {
    throw new TwoTowerError(
      'DATA_SPLIT',
      `${dataset.name}: of ${wanted.event.length} requests with a relevant item in the ${part} part none is later than what the runs saw`,
      'Evaluate on a part that no run was trained or chosen on: see data.split of the runs.',
    );
  }
  const known = dataset.truth === undefined ? undefined : await openTruth(dataset.truth);
  const { event, relevant } = drawRequests(unseen, config.evaluation.requests, seed);
  const sizes = {
    retrieve: config.retrieve.items,
    prerank: config.prerank?.items ?? config.retrieve.items,
    rank: (config.rank ?? config.prerank ?? config.retrieve).items,
  };
  const lengths = {
    retrieve: config.evaluation.sweep.retrieve ?? usualLengths(sizes.retrieve),
    prerank: config.evaluation.sweep.prerank ?? usualLengths(sizes.prerank),
  };
  const collected = await collect(cascade, event, Math.max(sizes.retrieve, ...lengths.retrieve), (done) =>
    onProgress('running the cascade', done),
  );
  const passage = await pass(cascade, collected, sizes);
  const present = { prerank: phases.prerank !== undefined, rank: phases.rank !== undefined };
  const metrics = funnelMetrics(passage, relevant, present, ks);
  onProgress('timing single requests', 0);
  const milliseconds = await timeRequests(cascade, event.slice(0, timed), sizes);
  const points = await sweep(cascade, collected, relevant, lengths, ks[0]!, (done) =>
    onProgress('trying list lengths', done),
  );
  const { rank } = phases;
  const bounds = rank?.listwise === true && rank.run.model.retrieval !== undefined;
  if (bounds) onProgress('measuring the guarantees', 0);
  const guarantees = bounds && (await measureGuarantees(rank, event, relevant, sizes.retrieve));
  const truth =
    known &&
    (await measureTruth(cascade, known, unseenRequests(cascade, all), sizes, (done) =>
      onProgress('comparing with the truth', done),
    ));
  const [first, last] = [metrics.stages[0]!, metrics.stages.at(-1)!];
  return {
    dataset: dataset.name,
    logHash: dataset.logHash,
    part,
    label: dataset.label,
    runs: runsOf(cascade),
    requests: {
      withRelevant: wanted.event.length,
      seen: wanted.event.length - unseen.event.length,
      measured: event.length,
    },
    seed,
    ks,
    metrics,
    flops: requestCost(cascade, passage.sizes),
    milliseconds,
    budget,
    upqeOurs: upqeOurs(first.recall, last.ndcg[ks[0]!]!, metrics.ceiling.ndcg[ks[0]!]!, milliseconds.total.p95, budget),
    sweep: points,
    ...(guarantees && { guarantees }),
    ...(truth && { truth }),
    environment: environment(),
  };
}

/** Requests later than everything that any run of the cascade saw. */
function unseenRequests({ dataset, seenUntil }: Cascade, requests: CascadeRequests): CascadeRequests {
  const latest = Math.max(...Object.values(seenUntil));
  return selectRequests(requests, (q) => dataset.events.time[requests.event[q]!]! > latest);
}

function runsOf({ phases }: Cascade): FunnelReport['runs'] {
  return Object.entries(phases).map(([phase, { run }]) => ({
    phase: phase as PhaseName,
    folder: run.folder,
    model: run.config.model.name,
    step: run.step,
    dataHash: run.record.dataHash,
  }));
}
