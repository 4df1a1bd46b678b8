import { graphCost, input } from '../graph/index.js';
import { similarityMatrix } from '../training/objectives.js';
import { clipped, type Sizes } from './collect.js';
import type { Cascade, PhaseName } from './open.js';
import type { Phase } from './phase.js';

/** Floating-point operations of one request, by phase and together, read off the graphs. */
export interface RequestCost {
  phases: Partial<Record<PhaseName, number>>;
  total: number;
}

/**
 * What a request costs with given list lengths: each run's user part once, exact search over all items, and the scores of the
 * candidates that reach a phase. Item states are computed beforehand and do not count. A run that stands at two places
 * computes its user part once, counted at the first.
 */
export function requestCost({ phases, dataset }: Pick<Cascade, 'phases' | 'dataset'>, wanted: Sizes): RequestCost {
  const { retrieve, prerank, rank } = phases;
  const sizes = clipped(wanted, dataset.items.count - 1, prerank !== undefined);
  const seen = new Set<Phase>();
  const user = (phase: Phase) => {
    if (seen.has(phase)) return 0;
    seen.add(phase);
    return flops(Object.values(phase.run.inference.parts.user), { B: 1 });
  };
  const score = (phase: Phase, N: number) => flops(Object.values(phase.run.inference.parts.score), { N });
  const costs: RequestCost['phases'] = { retrieve: user(retrieve) + search(retrieve, dataset.items.count) };
  if (prerank) costs.prerank = user(prerank) + score(prerank, sizes.retrieve);
  if (rank) {
    const { rerank } = rank.run.inference.parts;
    const list = rerank === undefined ? 0 : flops(Object.values(rerank), { B: 1, N: sizes.prerank });
    costs.rank = user(rank) + score(rank, sizes.prerank) + list;
  }
  return { phases: costs, total: Object.values(costs).reduce((a, b) => a + b, 0) };
}

function search({ run }: Phase, items: number): number {
  const { model, inference } = run;
  const { user, item } = model.retrieval!;
  const query = input('query', inference.parts.user[`user.${user}`]!.shape);
  const key = input('key', inference.parts.item[`item.${item}`]!.shape);
  return flops([similarityMatrix(model, { [user]: query }, { [item]: key })], { B: 1, I: items });
}

function flops(outputs: Parameters<typeof graphCost>[0], sizes: Record<string, number>): number {
  return graphCost(outputs, sizes).flops;
}
