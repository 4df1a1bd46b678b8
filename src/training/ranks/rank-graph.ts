import type { FeedPlan } from '../../graph/index.js';
import { allPositions } from '../../graph/index.js';
import { cutAtExchanges, partition, type Segments } from '../../graph/partition/index.js';
import { buildStep, ownedBundle, type StepGraph, type TrainingGraphOptions } from '../training-graph.js';
import { LOCAL_FEEDS } from './local-feeds.js';

/** One rank's part of a training step: pieces between which ranks exchange. */
export interface RankGraph extends StepGraph, Segments {
  /** What is needed to complete the feeds of all pieces. */
  plan: FeedPlan;
  /** Places in the model that every rank computes for the whole batch. */
  repeated: string[];
}

/**
 * The training step as several ranks compute it together: the mathematics of one process on the whole batch.
 *
 * @throws TRAIN_RANKS where the model or a loss cannot be shared out
 */
export function buildRankGraph(options: TrainingGraphOptions): RankGraph {
  const step = buildStep(options, true);
  const bundles = [...new Set(step.lookups.map(({ bundle }) => bundle))];
  const local = new Set<string>([
    ...Object.values(LOCAL_FEEDS),
    ...step.lookups.map(({ positions }) => positions),
    ...bundles.map(allPositions),
  ]);
  const parts = partition(step.outputs, { local, owned: new Set(bundles.map(ownedBundle)) });
  const cut = cutAtExchanges('training step', parts.outputs, { read: step.read });
  const compiled = cut.segments.map((segment) => segment.compiled);
  const made = new Set([...compiled.flatMap(({ outputs }) => outputs), ...exchangedIn(cut)].map(({ name }) => name));
  const inputs = new Map(compiled.flatMap((graph) => graph.inputs).map((one) => [one.name, one]));
  const plans = new Map(compiled.flatMap((graph) => graph.plans).map((one) => [one.feeds.first, one]));
  return {
    ...step,
    ...cut,
    plan: {
      inputs: [...inputs.values()].filter(({ name }) => !made.has(name)),
      plans: [...plans.values()],
      randoms: parts.randoms,
    },
    repeated: parts.repeated,
  };
}

const exchangedIn = ({ segments }: Segments) =>
  segments.flatMap(({ exchanges }) => exchanges.map(({ result }) => ({ name: result })));
