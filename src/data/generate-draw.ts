import { Random } from '../random.js';

/** 2024-01-01T00:00:00Z, when the log begins. */
export const START = 1704067200;
export const DAY = 86400;
const GENRES = ['action', 'comedy', 'drama', 'music', 'nature', 'sport'];
export const SURFACES = ['feed', 'home', 'search'];
export const MAX_GENRES = 3;

export interface GenerateOptions {
  /** Users who can appear in the log, the unknown one not counted. */
  users?: number;
  items?: number;
  events?: number;
  days?: number;
  seed?: number;
  /** Events of one request share user, time, surface and request id. */
  eventsPerRequest?: number;
  /** Longest history handed to a model. */
  historyLength?: number;
  /** Leave the context field away. */
  context?: boolean;
  /** Leave the history away. */
  history?: boolean;
  /** Leave the log's request numbers away. */
  requests?: boolean;
  /** How far clicks follow taste: 0 makes labels pure chance. */
  signal?: number;
}

export type DrawnLog = ReturnType<typeof drawLog>;

/** Who saw what when, and what came of it. */
export function drawLog(options: GenerateOptions) {
  const users = options.users ?? 200;
  const items = options.items ?? 100;
  const events = options.events ?? 4000;
  const days = options.days ?? 10;
  const seed = options.seed ?? 1;
  const perRequest = Math.max(1, options.eventsPerRequest ?? 4);
  const signal = options.signal ?? 1;
  const factors = GENRES.length;

  // A user's age bends which genres are liked; an item's genres are its strongest factors.
  const userRandom = Random.of(seed, 'generate', 'users');
  const age = new Float64Array(users + 1);
  const userTaste = new Float64Array((users + 1) * factors);
  for (let u = 1; u <= users; u++) {
    const years = 15 + userRandom.below(60);
    age[u] = years;
    for (let f = 0; f < factors; f++) {
      userTaste[u * factors + f] = userRandom.normal() + (f % 2 === 0 ? 1 : -1) * ((years - 45) / 20);
    }
  }
  const itemRandom = Random.of(seed, 'generate', 'items');
  const itemTaste = new Float64Array((items + 1) * factors);
  const itemBias = new Float64Array(items + 1);
  const genres: string[][] = [[]];
  for (let i = 1; i <= items; i++) {
    const strength = Array.from({ length: factors }, () => itemRandom.normal());
    const count = 1 + itemRandom.below(MAX_GENRES);
    const order = strength.map((_, f) => f).sort((a, b) => (strength[b] ?? 0) - (strength[a] ?? 0));
    genres.push(order.slice(0, count).map((f) => GENRES[f] ?? ''));
    order.slice(0, count).forEach((f) => {
      itemTaste[i * factors + f] = 1 / Math.sqrt(count);
    });
    itemBias[i] = 0.7 * itemRandom.normal();
  }

  const random = Random.of(seed, 'generate', 'events');
  const requests = Math.ceil(events / perRequest);
  const times = Float64Array.from({ length: requests }, () => START + Math.floor(random.uniform() * days * DAY)).sort();
  const time = new Float64Array(events);
  const eventUser = new Int32Array(events);
  const eventItem = new Int32Array(events);
  const request = new Int32Array(events);
  const surface = new Uint8Array(events);
  const click = new Float32Array(events);
  const seconds = new Float32Array(events);
  for (let r = 0, row = 0; r < requests; r++) {
    const u = 1 + random.below(users);
    const place = random.below(SURFACES.length);
    for (let k = 0; k < perRequest && row < events; k++, row++) {
      const i = 1 + Math.floor(items * random.uniform() ** 1.5); // The first items are shown more often.
      let logit = -0.7 + 0.5 * (place - 1) + (itemBias[i] ?? 0);
      for (let f = 0; f < factors; f++) {
        logit += 1.5 * (userTaste[u * factors + f] ?? 0) * (itemTaste[i * factors + f] ?? 0);
      }
      const clicked = random.uniform() < 1 / (1 + Math.exp(-signal * logit));
      time[row] = times[r] ?? START;
      eventUser[row] = u;
      eventItem[row] = i;
      request[row] = r;
      surface[row] = place;
      click[row] = clicked ? 1 : 0;
      seconds[row] = clicked ? 1 + random.below(300) : 0;
    }
  }
  return { users, items, events, days, age, genres, time, eventUser, eventItem, request, surface, click, seconds };
}
