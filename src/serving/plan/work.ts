import { parseIndexOptions } from '../../cascade/index/build.js';
import { TwoTowerError } from '../../errors.js';
import type { Phase } from '../contract.js';
import { type Figure, figure, measure, ms, short } from './figure.js';
import type { PlanOptions } from './options.js';
import type { ModelRates, Rates } from './rates.js';
import type { CostSheet, Subject, SubjectPhase } from './subject.js';
import { type AskedKind, type ThreadWork, threadsOf } from './threads.js';

/** What one phase does for a request. */
export interface PhaseWork {
  phase: Phase;
  model: string;
  /** Items that come in and that it hands on. */
  in: number;
  kept: number;
  /** Milliseconds of a worker: the user part, the search, and the list that is scored. */
  user: Figure;
  search: Figure | undefined;
  list: Figure;
  total: Figure;
}

/** What a request takes. */
export interface RequestWork extends ThreadWork {
  kind: AskedKind['kind'];
  phases: PhaseWork[];
  /** Bytes on the wire, both ways. */
  bytes: Figure;
}

/** How a catalogue of so many items is searched. */
export function searchedBy({ index }: Rates, items: number): 'exact' | 'index' {
  return index === undefined || items < parseIndexOptions({}).exactBelow ? 'exact' : 'index';
}

/**
 * How much slower the graph is per step at n rows than when it was measured: rows lie ever farther apart until, from a million
 * on, hardly one is in a cache.
 */
export function farness({ rows, farFactor }: NonNullable<Rates['index']>, items: number): number {
  const way = Math.log(items / rows) / Math.log(1e6 / rows);
  return 1 + (farFactor - 1) * Math.min(1, Math.max(0, way));
}

/** What kind of request is planned. */
export interface Asked extends AskedKind {
  /** How many items each phase hands on. */
  keeps: number[];
}

/** @throws USAGE where subject and options do not go together */
export function askedOf(subject: Subject, options: PlanOptions): Asked {
  const { candidates } = options;
  const kind = candidates === undefined ? 'recommend' : 'rank';
  const phases = kind === 'rank' ? subject.phases.slice(-1) : subject.phases;
  if (kind === 'recommend' && phases[0]!.phase !== 'retrieve') {
    throw new TwoTowerError(
      'USAGE',
      `${subject.origin} cannot retrieve: nothing can be recommended with it alone`,
      'Plan rankings of given candidates with --candidates N, or a cascade.',
    );
  }
  const keeps = keepsOf(phases, options);
  return { kind, phases, keeps, count: candidates ?? options.k ?? keeps.at(-1)! };
}

/** The work of one request, phase by phase. @throws USAGE as `askedOf`, and where the rates lack a phase */
export function requestWork(subject: Subject, rates: Rates, options: PlanOptions, items: number): RequestWork {
  const { cached } = options;
  const { kind, phases, keeps, count } = askedOf(subject, options);
  let width = options.candidates ?? items;
  const works = phases.map((phase, i) => {
    // Retrieval scores as many as are wanted in the end, if those are more.
    const wanted = phase.phase === 'retrieve' && kind === 'recommend' ? Math.max(keeps[i]!, count) : width;
    const asked = { in: width, list: Math.min(wanted, width), cached };
    const work = phaseWork(phase, ratesOf(rates, phase.phase), rates, asked);
    width = Math.min(width, keeps[i]!);
    return { ...work, kept: width };
  });
  const bytes = bytesOf(rates, kind, count);
  return { kind, phases: works, ...threadsOf(rates, { kind, phases, count }, works, cached, bytes), bytes };
}

function keepsOf(phases: readonly SubjectPhase[], { keep }: PlanOptions): number[] {
  const known = phases.map(({ phase }) => phase);
  const stray = Object.keys(keep).find((name) => !known.includes(name as Phase));
  if (stray !== undefined) {
    throw new TwoTowerError('USAGE', `there is no phase ${stray} to keep items`, `It has: ${known.join(', ')}.`);
  }
  const keeps = phases.map((one) => keep[one.phase] ?? one.keep);
  const rising = keeps.findIndex((kept, i) => i > 0 && kept > keeps[i - 1]!);
  if (rising > 0) {
    throw new TwoTowerError(
      'USAGE',
      `${phases[rising]!.phase} cannot keep ${keeps[rising]} items of the ${keeps[rising - 1]} that ${phases[rising - 1]!.phase} hands on`,
      'Keep no more in a later phase.',
    );
  }
  return keeps;
}

export function ratesOf(rates: Rates, phase: Phase): ModelRates {
  const found = rates.models[phase];
  if (found !== undefined) return found;
  const known = Object.keys(rates.models).join(', ');
  throw new TwoTowerError(
    'USAGE',
    `the rates were measured for ${known} and not for ${phase}`,
    'Measure anew: name another rates file.',
  );
}

function phaseWork(
  { phase, model, cost }: SubjectPhase,
  own: ModelRates,
  rates: Rates,
  asked: { in: number; list: number; cached: number },
): Omit<PhaseWork, 'kept'> {
  const fresh = 1 - asked.cached;
  const user = figure(
    (fresh * 1000 * cost.user) / own.userFlopsPerSecond,
    'ms',
    `${fresh === 1 ? '' : `${short(fresh)} uncached × `}${measure(cost.user, 'FLOP')} / ${measure(own.userFlopsPerSecond, 'FLOP/s')}`,
  );
  const flops = cost.list(asked.list);
  const list = figure(
    own.listFixedMs + (1000 * flops) / own.listFlopsPerSecond,
    'ms',
    `${ms(own.listFixedMs)} + ${measure(flops, 'FLOP')} for ${short(asked.list)} / ${measure(own.listFlopsPerSecond, 'FLOP/s')}`,
  );
  const search = asked.in === asked.list ? undefined : searchWork(cost, rates, asked.in);
  const parts = [user, ...(search === undefined ? [] : [search]), list];
  const total = parts.reduce((sum, { value }) => sum + value, 0);
  return {
    phase,
    model,
    in: asked.in,
    user,
    search,
    list,
    total: figure(total, 'ms', parts.map(({ value }) => ms(value)).join(' + ')),
  };
}

function searchWork({ vector }: CostSheet, rates: Rates, items: number): Figure {
  const { index, scanPerSecond } = rates;
  const { width, vectors } = vector!;
  if (searchedBy(rates, items) === 'exact') {
    const work = items * width * vectors;
    return figure(
      (1000 * work) / scanPerSecond!,
      'ms',
      `${short(items)} × ${width * vectors} / ${short(scanPerSecond!)} multiply-adds/s`,
    );
  }
  // How many rows a walk looks at follows from the list it returns; how many there are decides how far apart they lie.
  const far = farness(index!, items);
  return figure(
    vectors * index!.searchMs * far,
    'ms',
    `${vectors === 1 ? '' : `${vectors} × `}${ms(index!.searchMs)} × far ${short(far)}`,
  );
}

function bytesOf({ service }: Rates, kind: RequestWork['kind'], count: number): Figure {
  const each = kind === 'rank' ? service.bytesPerCandidate : service.bytesPerItem;
  return figure(
    service.fixedBytes + each * count,
    'B',
    `${measure(service.fixedBytes, 'B')} + ${short(count)} × ${measure(each, 'B')}`,
  );
}
