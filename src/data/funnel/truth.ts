/** Values of a user's taste and of an item's vectors. */
export const WIDTH = 8;
/** An item is liked for any one of its facets. */
export const FACETS = 3;
/** Mean and deviation of the largest of three independent standard normal numbers. */
const MAX_MEAN = 0.846284;
const MAX_DEVIATION = 0.747975;

/** The constants of the formula: they stand in `world.json`. */
export interface TruthConstants {
  /** Seconds since 1970 of the begin of the log. */
  start: number;
  days: number;
  /** Log-odds of a click on an average item that is looked at. */
  base: number;
  /** Deviation of taste, in log-odds. */
  strength: number;
  interaction: number;
  /** Angle that a taste turns within the log. */
  turn: number;
  /** What a new item gains at its release, in log-odds, and the days in which that falls to 1/e. */
  freshness: { gain: number; days: number };
  /** What an item gains at the best hour of its category. */
  hourGain: number;
  /** The place p (from 1) is looked at with probability p^-positionBias. */
  positionBias: number;
}

/** What is true of every user and item, the first at index 0: what no model is told. */
export interface Latents {
  users: {
    count: number;
    /** Log-odds by which a user clicks more than others. [users] */
    mood: Float32Array;
    /** Taste is home + cos θ · early + sin θ · late. [users · WIDTH] each */
    home: Float32Array;
    early: Float32Array;
    late: Float32Array;
  };
  items: {
    count: number;
    quality: Float32Array;
    /** Days since the begin of the log; before that an item does not exist. */
    release: Float32Array;
    /** Hour of the day (UTC) at which it is liked best. */
    hour: Float32Array;
    /** [items · WIDTH] */
    vector: Float32Array;
    /** [items · FACETS · WIDTH], each facet of length 1 */
    facets: Float32Array;
  };
}

/** Probability that a place is looked at, the first being 0. */
export function examination(place: number, positionBias: number): number {
  return (place + 1) ** -positionBias;
}

/** A user's taste at a time, into `into`. */
export function tasteAt({ users }: Latents, constants: TruthConstants, user: number, time: number, into: Float64Array) {
  const angle = (constants.turn * (time - constants.start)) / (constants.days * 86400);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  for (let k = 0, at = user * WIDTH; k < WIDTH; k++, at++) {
    into[k] = users.home[at]! + cos * users.early[at]! + sin * users.late[at]!;
  }
}

/**
 * Log-odds of a click of someone with this taste on an item that is looked at, but for the user's mood:
 *
 *     base + quality + gain · exp(−age/days) + hourGain · cos(2π (hour − item's hour)/24)
 *       + strength · (√(1−ρ) ⟨taste, vector⟩/√8 + √ρ (max_j ⟨taste, facet_j⟩ − m)/s)
 *
 * with ρ the interaction, m and s mean and deviation of the largest of three standard normal numbers. Both terms of taste have
 * variance 1. The maximum is what an inner product cannot follow. −Infinity before the item's release.
 */
export function tasteLogit(
  { items }: Latents,
  constants: TruthConstants,
  taste: Float64Array,
  item: number,
  time: number,
): number {
  const { start, base, strength, interaction, freshness, hourGain } = constants;
  const age = (time - start) / 86400 - items.release[item]!;
  if (age < 0) return Number.NEGATIVE_INFINITY;
  let linear = 0;
  for (let k = 0, at = item * WIDTH; k < WIDTH; k++, at++) linear += taste[k]! * items.vector[at]!;
  let best = Number.NEGATIVE_INFINITY;
  for (let j = 0, at = item * FACETS * WIDTH; j < FACETS; j++) {
    let product = 0;
    for (let k = 0; k < WIDTH; k++, at++) product += taste[k]! * items.facets[at]!;
    if (product > best) best = product;
  }
  const hour = (time % 86400) / 3600;
  return (
    base +
    items.quality[item]! +
    freshness.gain * Math.exp(-age / freshness.days) +
    hourGain * Math.cos((2 * Math.PI * (hour - items.hour[item]!)) / 24) +
    strength *
      ((Math.sqrt(1 - interaction) * linear) / Math.sqrt(WIDTH) +
        (Math.sqrt(interaction) * (best - MAX_MEAN)) / MAX_DEVIATION)
  );
}

/** Weight of the facets' sum in the best inner product: on average one of three is the largest. */
export function summaryWeights({ interaction }: TruthConstants): { vector: number; facets: number } {
  return {
    vector: Math.sqrt(1 - interaction) / Math.sqrt(WIDTH),
    facets: Math.sqrt(interaction) / (FACETS * MAX_DEVIATION),
  };
}

export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
