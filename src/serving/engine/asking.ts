import { TwoTowerError } from '../../errors.js';
import type {
  Asker,
  EngineLimits,
  ItemFilter,
  Key,
  Phase,
  PhaseControl,
  RankRequest,
  RecommendRequest,
} from '../contract.js';
import type { Manifest, PhaseManifest } from '../manifest.js';
import type { Catalogue, CataloguePhase } from './catalogue.js';
import type { RawAsker } from './encoding.js';
import type { Job, JobPhase, Search } from './messages.js';
import { canonicalKey } from './raw-table.js';
import type { UserStates } from './user-states.js';
import type { UserStore } from './user-store.js';

/** Rows that hold a filter are scored one by one below this many: faster than a search that passes over all others. */
const SCORED_ONE_BY_ONE = 2048;
/** A re-ranking model looks at every pair of a list. */
const MOST_RERANKED = 1024;
/** Histories end strictly before the request: so long after the user's last event it is made at the earliest, in seconds. */
const MOMENT = 1e-3;

/** What requests are turned into jobs with. */
export interface AskContext {
  manifest: Manifest;
  limits: EngineLimits;
  phases: readonly CataloguePhase[];
  catalogue: Catalogue;
  users: UserStore;
  states: UserStates;
  /** Whether the version's budgets hold. */
  budgets: boolean;
}

/** A request as a job, and under which keys the user states it computes are kept. */
export interface Asked {
  job: Job;
  stateKeys: Map<Phase, string>;
}

/** @throws USAGE naming the key */
export function askRecommend(context: AskContext, request: RecommendRequest, arrived: number): Asked {
  const { manifest, limits, catalogue, users } = context;
  const asker = rawAsker(context, request, arrived);
  const control = request.phases ?? {};
  const chosen = manifest.phases.filter(({ phase }) => control[phase] !== false);
  if (chosen[0]?.phase !== 'retrieve') {
    const why =
      manifest.phases[0]!.phase === 'retrieve' ? 'phases.retrieve is switched off' : 'this version cannot retrieve';
    throw new TwoTowerError('USAGE', `recommend: ${why}`, 'Send candidates to rank instead.');
  }
  const keeps = chosen.map((one) => keepOf(one, control, limits));
  const k = request.k ?? keeps.at(-1)!;
  whole('k', k, 1, limits.k);
  const search = searchOf(context, request.filter ?? {});
  if (request.includeSeen !== true) {
    const seen = request.user === undefined ? [] : users.seen(request.user);
    const told = Object.values(request.histories ?? {}).flatMap((events) => events.map(({ item }) => item));
    const rows = told.flatMap((item) => (typeof item === 'object' ? [] : [catalogue.table.rowOf(item)]));
    search.exclude = Int32Array.of(...search.exclude, ...seen, ...rows);
  }
  const { phases, stateKeys } = jobPhases(context, request, asker, chosen, keeps);
  return {
    job: { arrived, deadline: deadlineOf(request, arrived), phases, search, k, explain: request.explain === true },
    stateKeys,
  };
}

/** @throws USAGE naming the key */
export function askRank(context: AskContext, request: RankRequest, arrived: number): Asked {
  const { manifest, limits, catalogue } = context;
  const { candidates } = request;
  if (candidates.length > limits.candidates) {
    throw new TwoTowerError(
      'USAGE',
      `candidates: ${candidates.length} keys, at most ${limits.candidates} are taken`,
      'Send fewer.',
    );
  }
  const name = request.phase ?? manifest.phases.at(-1)!.phase;
  const phase = manifest.phases.find((one) => one.phase === name);
  if (phase === undefined) {
    const known = manifest.phases.map((one) => one.phase).join(', ');
    throw new TwoTowerError('USAGE', `phase: this version has no phase "${name}"`, `It has: ${known}.`);
  }
  if (phase.parts.rerank !== undefined && candidates.length > MOST_RERANKED) {
    throw new TwoTowerError(
      'USAGE',
      `candidates: ${candidates.length} keys, where ${phase.model} orders lists as a whole, of at most ${MOST_RERANKED}`,
      'Thin them out with an earlier phase.',
    );
  }
  const k = request.k ?? candidates.length;
  whole('k', k, 0, limits.candidates);
  const rows = new Int32Array(candidates.length);
  for (let i = 0; i < rows.length; i++) rows[i] = catalogue.table.rowOf(candidates[i]!);
  const asker = rawAsker(context, request, arrived);
  const { phases, stateKeys } = jobPhases(context, request, asker, [phase], [Math.max(1, rows.length)]);
  const job = {
    arrived,
    deadline: deadlineOf(request, arrived),
    phases,
    candidates: rows,
    k,
    explain: request.explain === true,
  };
  return { job, stateKeys };
}

function rawAsker({ users, manifest }: AskContext, request: Asker, arrived: number): RawAsker {
  const { user, userFields, context = {}, histories = {} } = request;
  const past: RawAsker['histories'] = {};
  let time = request.time ?? arrived / 1e3;
  for (const { name, maxLength } of manifest.histories) {
    if (Object.hasOwn(histories, name)) {
      past[name] = histories[name]!;
    } else if (user !== undefined) {
      const known = users.past(user, name, request.time ?? Number.POSITIVE_INFINITY, maxLength);
      past[name] = known;
      // Without a time of its own a request comes after everything that is known of its user.
      const latest = known.at(-1)?.time ?? Number.NEGATIVE_INFINITY;
      if (request.time === undefined && latest >= time) time = latest + MOMENT;
    }
  }
  const stored = user === undefined ? {} : users.values(user);
  return { user: userFields === undefined ? stored : { ...stored, ...userFields }, context, time, histories: past };
}

function jobPhases(
  context: AskContext,
  request: Asker,
  asker: RawAsker,
  chosen: readonly PhaseManifest[],
  keeps: readonly number[],
): { phases: JobPhase[]; stateKeys: Map<Phase, string> } {
  const stateKeys = new Map<Phase, string>();
  const phases = chosen.map(({ phase, budgetMs }, i) => {
    const { encoding } = context.phases.find((one) => one.phase === phase)!;
    const key = stateKey(context, request, asker, phase);
    const state = key === undefined ? undefined : context.states.get(key);
    if (key !== undefined) stateKeys.set(phase, key);
    return {
      phase,
      budgetMs: context.budgets ? budgetMs : undefined,
      keep: keeps[i]!,
      user: state === undefined ? { feeds: encoding.user(asker) } : { state },
    };
  });
  return { phases, stateKeys };
}

/** A key that changes whenever the user's state would; undefined where a request is unlike any other. */
function stateKey(context: AskContext, request: Asker, asker: RawAsker, phase: Phase): string | undefined {
  const { users, catalogue, phases } = context;
  const { encoding } = phases.find((one) => one.phase === phase)!;
  const user = canonicalKey(request.user);
  if (user === undefined || request.userFields !== undefined || encoding.readsLags) return undefined;
  const ownHistory = request.histories !== undefined || request.time !== undefined;
  if (encoding.readsHistories && ownHistory) return undefined;
  // What is text in a key is never a number: the types keep 7 and "7 " apart.
  return [phase, typeof user, user, users.version(user), catalogue.generation, encoding.contextKey(asker)].join('\0');
}

function searchOf({ catalogue, limits }: AskContext, { include, exclude = [], where = [] }: ItemFilter): Search {
  whole('filter: keys of include and exclude', (include?.length ?? 0) + exclude.length, 0, limits.filterKeys);
  whole('filter.where: conditions', where.length, 0, limits.predicates);
  const rowsOf = (keys: readonly Key[]) => keys.map((key) => catalogue.table.rowOf(key)).filter((row) => row !== 0);
  const search: Search = { exclude: Int32Array.from(rowsOf(exclude)) };
  if (where.length > 0) {
    const { allow, count } = catalogue.filters.mask(where);
    search.allow = allow;
    if (include === undefined && count <= SCORED_ONE_BY_ONE) search.only = rowsIn(allow, count);
  }
  if (include !== undefined) search.only = Int32Array.from(new Set(rowsOf(include)));
  return search;
}

function rowsIn(allow: Uint8Array, count: number): Int32Array {
  const rows = new Int32Array(count);
  for (let row = allow.indexOf(1), i = 0; row !== -1 && i < count; row = allow.indexOf(1, row + 1)) rows[i++] = row;
  return rows;
}

function keepOf(
  { phase, keep }: PhaseManifest,
  control: NonNullable<PhaseControl['phases']>,
  limits: EngineLimits,
): number {
  const own = control[phase];
  if (typeof own !== 'object' || own.keep === undefined) return keep;
  whole(`phases.${phase}.keep`, own.keep, 1, limits.candidates);
  return own.keep;
}

function deadlineOf({ budgetMs }: Pick<PhaseControl, 'budgetMs'>, arrived: number): number | undefined {
  if (budgetMs === undefined) return undefined;
  if (!(budgetMs >= 0)) throw new TwoTowerError('USAGE', `budgetMs is ${budgetMs}`, 'Give milliseconds.');
  return arrived + budgetMs;
}

function whole(what: string, value: number, from: number, to: number): void {
  if (Number.isInteger(value) && value >= from && value <= to) return;
  throw new TwoTowerError('USAGE', `${what}: ${value} is not a whole number from ${from} to ${to}`);
}
