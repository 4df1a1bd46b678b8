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

/** The chance that two independent parts of a request and all its waits together take more than t milliseconds. */
export function exceeding(parts: readonly [Part, Part], waits: readonly Wait[]): (t: number) => number {
  const [a, b] = parts;
  const longer = waitsLonger(waits);
  return (t) =>
    LEVELS.reduce((sum, { weight: first }, i) => {
      const left = t - a.mean * a.spread[i]!;
      return (
        sum + LEVELS.reduce((own, { weight }, j) => own + first * weight * longer(left - b.mean * b.spread[j]!), 0)
      );
    }, 0);
}

/** What 99 of 100 such requests do not exceed: the t that 0.01 of them take longer than, by halving. */
export function p99Of(parts: readonly [Part, Part], waits: readonly Wait[]): number {
  if (waits.some(({ mean }) => mean === Infinity)) return Infinity;
  const exceeds = exceeding(parts, waits);
  let [low, high] = [0, [...parts, ...waits].reduce((sum, { mean }) => sum + mean, 0)];
  while (exceeds(high) > 0.01) [low, high] = [high, 2 * high];
  for (let i = 0; i < ROUNDS; i++) {
    const middle = (low + high) / 2;
    if (exceeds(middle) > 0.01) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * The chance that all waits together are longer than t: Σ aᵢ e^(−rᵢt), each wait added to those before it. With the chance p a wait
 * adds an exponential time of rate r, which makes of aᵢ e^(−rᵢt) the difference aᵢ (r e^(−rᵢt) − rᵢ e^(−rt)) / (r − rᵢ), and of what
 * had not waited e^(−rt).
 */
function waitsLonger(waits: readonly Wait[]): (t: number) => number {
  const terms: { share: number; rate: number }[] = [];
  for (const { chance, rate: own } of waits) {
    if (chance === 0 || own === Infinity) continue;
    // Two equal rates have a formula of their own, which this comes as near to as is wanted.
    let rate = own;
    while (terms.some((term) => Math.abs(term.rate - rate) < 1e-4 * rate)) rate *= 1 + 3e-4;
    let added = 1;
    for (const term of terms) {
      added -= term.share * (1 + term.rate / (rate - term.rate));
      term.share *= 1 - chance + (chance * rate) / (rate - term.rate);
    }
    terms.push({ share: chance * added, rate });
  }
  return (t) => (t < 0 ? 1 : terms.reduce((sum, { share, rate }) => sum + share * Math.exp(-rate * t), 0));
}
