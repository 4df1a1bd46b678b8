import { Random } from '../../random.js';
import type { FunnelOptions } from './options.js';
import { type Latents, WIDTH } from './truth.js';

const SEGMENTS = 16;
const COUNTRIES = 30;
/** Share of a taste's variance that all users of a segment have in common. */
const COMMON = 0.4;
/** A segment is misjudged for one user in seven. */
const MISJUDGED = 0.15;
/** By device: who has the third clicks more. */
const DEVICE_MOODS = [-0.25, 0, 0.25];

/** What is written about users, and what moves them. */
export interface People {
  latents: Latents['users'];
  /** As the table of users says: the segment tells of taste, the device of mood, age of the segment, the country of nothing. */
  fields: { segment: Uint8Array; age: Uint8Array; device: Uint8Array; country: Uint8Array };
  /** How often a user asks, [users]: log-normal, so that few users make much of the log. */
  activity: Float64Array;
  /** How the logging models err about a user's taste: always in the same way. [users · WIDTH] */
  error: Float32Array;
}

/** Draws the users. Tastes turn from `early` to `late`, and their variance stays 1. */
export function drawPeople({ users: count, seed }: Pick<FunnelOptions, 'users' | 'seed'>): People {
  const random = Random.of(seed, 'funnel', 'users');
  const centres = Float64Array.from({ length: SEGMENTS * WIDTH }, () => random.normal());
  const latents: Latents['users'] = {
    count,
    mood: new Float32Array(count),
    home: new Float32Array(count * WIDTH),
    early: new Float32Array(count * WIDTH),
    late: new Float32Array(count * WIDTH),
  };
  const fields = {
    segment: new Uint8Array(count),
    age: new Uint8Array(count),
    device: new Uint8Array(count),
    country: new Uint8Array(count),
  };
  const activity = new Float64Array(count);
  const error = new Float32Array(count * WIDTH);
  for (let user = 0; user < count; user++) {
    const segment = random.below(SEGMENTS);
    fields.segment[user] = random.uniform() < MISJUDGED ? random.below(SEGMENTS) : segment;
    fields.age[user] = 16 + 3 * segment + random.below(20);
    fields.device[user] = random.below(DEVICE_MOODS.length);
    fields.country[user] = Math.floor(COUNTRIES * random.uniform() ** 2);
    latents.mood[user] = DEVICE_MOODS[fields.device[user]!]! + 0.4 * random.normal();
    activity[user] = Math.exp(0.8 * random.normal());
    for (let k = 0, at = user * WIDTH; k < WIDTH; k++, at++) {
      latents.home[at] = Math.sqrt(COMMON) * centres[segment * WIDTH + k]!;
      latents.early[at] = Math.sqrt(1 - COMMON) * random.normal();
      latents.late[at] = Math.sqrt(1 - COMMON) * random.normal();
      error[at] = random.normal();
    }
  }
  return { latents, fields, activity, error };
}
