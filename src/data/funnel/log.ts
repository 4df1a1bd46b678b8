import { Random } from '../../random.js';
import { popularitySampler } from '../sampling.js';
import { DAY, START } from './options.js';
import { loggingPolicy } from './policy.js';
import { examination, sigmoid } from './truth.js';
import type { World } from './world.js';

/** Stages that the log names, in ascending order: `LoggedRow.stage` counts in it. */
export const LOGGED_STAGES = ['retrieved', 'pre-ranked', 'ranked', 'shown'] as const;
const SHOWN = 3;

/** How the hour of the day (UTC) changes how much is asked for: most at 20, least at 8. */
const RUSH = { share: 0.6, hour: 20 };

/** One item of one request. */
export interface LoggedRow {
  /** Index of the user and of the item, from 0. */
  user: number;
  item: number;
  request: number;
  /** Seconds since 1970. */
  time: number;
  stage: number;
  /** Counted from 1; 0 where it was not shown. */
  place: number;
  click: number;
  /** Logit of a click if the item is looked at. */
  truth: number;
  /** Logit of a click at its place; NaN where it was not shown. */
  chance: number;
  /** Logit of the logging ranker; NaN where it was not asked. */
  ranker: number;
}

/** Requests of the log, in the order of time, each as its rows: what was shown by place, then some of the rest. */
export function* loggedRequests(world: World): Generator<LoggedRow[]> {
  const { options, constants, people, catalogue } = world;
  const { users, days, requestsPerDay, candidates, positionBias, seed } = options;
  const answer = loggingPolicy(people, catalogue, constants, options, Random.of(seed, 'funnel', 'policy'));
  const random = Random.of(seed, 'funnel', 'log');
  const activity = new Float64Array(users + 1);
  activity.set(people.activity, 1);
  const asker = popularitySampler(activity);
  const perSecond = (users * requestsPerDay) / DAY;
  let request = 0;
  // A Poisson process that is thinned out at quiet hours.
  for (let at = START; ; ) {
    at += -Math.log(1 - random.uniform()) / (perSecond * (1 + RUSH.share));
    if (at >= START + days * DAY) return;
    const hour = (at % DAY) / 3600;
    const rush = 1 + RUSH.share * Math.cos((2 * Math.PI * (hour - RUSH.hour)) / 24);
    if (random.uniform() * (1 + RUSH.share) >= rush) continue;
    const time = Math.floor(at);
    const user = asker.draw(random) - 1;
    const { items, count, preranked, ranked, shown, ranker, truth } = answer(user, time);
    const row = (place: number, stage: number): LoggedRow => {
      const isShown = stage === SHOWN;
      const logit = truth(place);
      const probability = isShown ? sigmoid(logit) * examination(place, positionBias) : 0;
      return {
        user,
        item: items[place]!,
        request,
        time,
        stage,
        place: isShown ? place + 1 : 0,
        click: isShown && random.uniform() < probability ? 1 : 0,
        truth: logit,
        chance: isShown ? Math.log(probability / (1 - probability)) : Number.NaN,
        ranker: place < preranked ? ranker[place]! : Number.NaN,
      };
    };
    const rows = Array.from({ length: shown }, (_, place) => row(place, SHOWN));
    for (const [stage, from, to] of [
      [2, shown, ranked],
      [1, ranked, preranked],
      [0, preranked, count],
    ] as const) {
      for (const place of some(from, to, candidates, random)) rows.push(row(place, stage));
    }
    if (rows.length > 0) yield rows;
    request++;
  }
}

/** Up to `wanted` different numbers of [from, to), ascending. */
function some(from: number, to: number, wanted: number, random: Random): number[] {
  if (to - from <= wanted) return Array.from({ length: to - from }, (_, i) => from + i);
  const taken = new Set<number>();
  while (taken.size < wanted) taken.add(from + random.below(to - from));
  return [...taken].sort((a, b) => a - b);
}
