import { TwoTowerError } from '../../errors.js';
import { type Figure, figure, measure, short } from './figure.js';
import { type Fleet, fleet } from './fleet.js';
import { type Limit, limits } from './limits.js';
import { capacity } from './load.js';
import { type PlanInput, type PlanOptions, planOptions } from './options.js';
import type { Rates } from './rates.js';
import { type Storage, storage } from './storage.js';
import type { Subject } from './subject.js';
import { askedOf, type RequestWork, requestWork } from './work.js';

/** What has to be bought for a load, and how each figure came about. */
export interface Plan {
  origin: string;
  options: PlanOptions & { items: number };
  /** Where the number of items comes from. */
  itemsFrom: string;
  request: RequestWork;
  fleet: Fleet;
  storage: Storage;
  /** Bytes a second of all servers together. */
  network: Figure;
  /** Requests a second at most on the machine whose rates were measured. */
  here: Figure;
  /** What is nearest to breaking, that first. */
  limits: Limit[];
  /** What a reader should know of the rates. */
  notes: string[];
}

/**
 * Plans a subject for a load from the cost sheets of its models and the rates of a machine; the formulas are in docs/scaling.md.
 *
 * @throws USAGE for options that do not go together, or rates of other phases
 */
export function plan(subject: Subject, rates: Rates, input: PlanInput = {}): Plan {
  const options = checked(input);
  const items = options.items ?? subject.items;
  const request = requestWork(subject, rates, options, items);
  const found = fleet(request, rates, options);
  const kept = storage(subject, rates, items, found.cores - 1);
  const { requestsPerSecond } = options;
  const bytes = request.bytes.value;
  return {
    origin: subject.origin,
    options: { ...options, items },
    itemsFrom: options.items === undefined ? subject.itemsFrom : 'as asked',
    request,
    fleet: found,
    storage: kept,
    network: figure(requestsPerSecond * bytes, 'B/s', `${short(requestsPerSecond)}/s × ${measure(bytes, 'B')}`),
    here: capacity(request, rates.cores, Math.max(1, rates.cores - 1)),
    limits: limits({ request, fleet: found, storage: kept, options, items, rates }),
    notes: notesOf(subject, rates),
  };
}

/** Whether options fit together and a subject, for which no rates are needed. @throws USAGE */
export function checkPlan(subject: Subject, input: PlanInput): void {
  askedOf(subject, checked(input));
}

function checked(input: PlanInput): PlanOptions {
  const parsed = planOptions.safeParse(input);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new TwoTowerError(
      'USAGE',
      `${path.join('.') || 'plan'}: ${message}`,
      'docs/scaling.md says what a plan takes.',
    );
  }
  const { candidates, k, cores, mostCores, keep } = parsed.data;
  const refuse = (message: string, remedy: string) => new TwoTowerError('USAGE', message, remedy);
  if (candidates !== undefined && k !== undefined) throw refuse('k means nothing for rankings', 'Leave it out.');
  if (candidates !== undefined && Object.keys(keep).length > 0) {
    throw refuse('a ranking of given candidates keeps no items for a next phase', 'Leave keep out, or candidates.');
  }
  if (cores !== undefined && cores > mostCores) {
    throw refuse(`${cores} cores are more than the ${mostCores} a server can have`, 'Raise the latter.');
  }
  return parsed.data;
}

function notesOf({ phases }: Subject, { models }: Rates): string[] {
  return phases.flatMap(({ phase, model, fingerprint }) => {
    const measured = models[phase];
    if (measured === undefined || measured.fingerprint === fingerprint) return [];
    const other = measured.model === model ? `another ${model}` : measured.model;
    return [`the rates of ${phase} were measured with ${other}: its FLOP/s are taken for this ${model}`];
  });
}
