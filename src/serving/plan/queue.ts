import { LEVELS, type Spread } from './spread.js';

/**
 * Waiting at a station of c servers, requests arriving at random (Poisson): M/G/c. With one server the mean wait is Pollaczek and
 * Khinchine's, ρ s (1 + v) / (2 (1 − ρ)); with more it is the wait of M/M/c (Erlang C) times (1 + v)/2, after Allen and Cunneen.
 * The chance of a longer wait falls off as that of one server c times as fast does, times of service being gamma-distributed.
 */
export interface Station {
  servers: number;
  /** Milliseconds a request occupies one server. */
  service: number;
  /** v: the variance of that time over the square of its mean; 0 where all requests take as long. */
  variation: number;
  perSecond: number;
}

export interface Wait {
  /** Share of the time a server is busy; 1 and more: the queue grows without end. */
  utilisation: number;
  /** The chance to wait at all. */
  chance: number;
  /** Milliseconds, of all requests; infinite from a utilisation of 1 on. */
  mean: number;
  /** How fast longer waits become rare, 1/ms: that for t and more has the chance `chance` · e^(−rate · t). */
  rate: number;
}

/** The chance that all of c servers are busy under an offered load of a Erlang (Erlang C), 1 from a = c on. */
export function erlangC(servers: number, offered: number): number {
  if (offered >= servers) return 1;
  // Erlang B by its recursion, which does not overflow as the factorials would.
  let blocked = 1;
  for (let n = 1; n <= servers; n++) blocked = (offered * blocked) / (n + offered * blocked);
  return blocked / (1 - (offered / servers) * (1 - blocked));
}

/** The mean wait C(c, a) · s (1 + v) / (2c(1 − ρ)), and its chance C. */
export function waiting({ servers, service, variation, perSecond }: Station): Wait {
  const offered = (perSecond * service) / 1000;
  const utilisation = offered / servers;
  if (utilisation >= 1) return { utilisation, chance: 1, mean: Infinity, rate: 0 };
  const chance = erlangC(servers, offered);
  const turn = service / servers;
  return {
    utilisation,
    chance,
    mean: (chance * turn * (1 + variation)) / (2 * (1 - utilisation)),
    rate: chance === 0 ? Infinity : decay(utilisation, variation) / turn,
  };
}

/**
 * How fast long waits at one server become rare, per time of service: the x > 0 with ρ((1 − vx)^(−1/v) − 1) = x, for v = 0
 * ρ(eˣ − 1) = x, by halving.
 */
export function decay(utilisation: number, variation = 0): number {
  const grown = (x: number) => (variation === 0 ? Math.expm1(x) : Math.expm1(-Math.log1p(-variation * x) / variation));
  // Above: at the upper end the left side is larger than x for every ρ that waits at all.
  let [low, high] = [0, variation === 0 ? 50 : Math.min(50, 1 / variation)];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (utilisation * grown(middle) < middle) low = middle;
    else high = middle;
  }
  return low;
}

/** Milliseconds of a part of a request, and how they are spread. */
export interface Part {
  mean: number;
  spread: Spread;
}

/** Halvings: a millionth of what is looked for. */
const ROUNDS = 30;

/**
 * What 99 of 100 requests do not exceed that take two independent parts and wait twice: the t with P(parts + waits > t) = 0.01, by
 * halving.
 */
export function p99Of(parts: readonly [Part, Part], waits: readonly [Wait, Wait]): number {
  if (waits.some(({ mean }) => mean === Infinity)) return Infinity;
  const [a, b] = parts;
  const longer = waitsLonger(waits);
  const exceeds = (t: number) =>
    LEVELS.reduce((sum, { weight: first }, i) => {
      const left = t - a.mean * a.spread[i]!;
      return (
        sum + LEVELS.reduce((own, { weight }, j) => own + first * weight * longer(left - b.mean * b.spread[j]!), 0)
      );
    }, 0);
  let [low, high] = [0, a.mean + b.mean + waits[0].mean + waits[1].mean];
  while (exceeds(high) > 0.01) [low, high] = [high, 2 * high];
  for (let i = 0; i < ROUNDS; i++) {
    const middle = (low + high) / 2;
    if (exceeds(middle) > 0.01) low = middle;
    else high = middle;
  }
  return high;
}

/** The chance that both waits together are longer than t. */
function waitsLonger([first, second]: readonly [Wait, Wait]): (t: number) => number {
  const [p, q] = [first.chance, second.chance];
  const r = first.rate;
  // Two equal rates have a formula of their own, which this comes as near to as is wanted.
  const s = second.rate === r ? r * (1 + 1e-6) : second.rate;
  return (t) => {
    if (t < 0) return 1;
    const [one, other] = [r === Infinity ? 0 : Math.exp(-r * t), s === Infinity ? 0 : Math.exp(-s * t)];
    const both = r === Infinity ? other : s === Infinity ? one : (s * one - r * other) / (s - r);
    return p * (1 - q) * one + (1 - p) * q * other + p * q * both;
  };
}
