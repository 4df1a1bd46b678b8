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
  /** Milliseconds; infinite from a utilisation of 1 on. */
  mean: number;
  p99: number;
  /** In square milliseconds. */
  variance: number;
}

/** The chance that all of c servers are busy under an offered load of a Erlang (Erlang C), 1 from a = c on. */
export function erlangC(servers: number, offered: number): number {
  if (offered >= servers) return 1;
  // Erlang B by its recursion, which does not overflow as the factorials would.
  let blocked = 1;
  for (let n = 1; n <= servers; n++) blocked = (offered * blocked) / (n + offered * blocked);
  return blocked / (1 - (offered / servers) * (1 - blocked));
}

/**
 * The mean wait C(c, a) · s (1 + v) / (2c(1 − ρ)), the wait that 99 of 100 requests do not exceed, ln(C / 0.01) · s / (c · x), and
 * the variance of waits that are either 0 or, with the chance C, exponentially distributed with that mean.
 */
export function waiting({ servers, service, variation, perSecond }: Station): Wait {
  const offered = (perSecond * service) / 1000;
  const utilisation = offered / servers;
  if (utilisation >= 1) return { utilisation, mean: Infinity, p99: Infinity, variance: Infinity };
  const busy = erlangC(servers, offered);
  const turn = service / servers;
  const mean = (busy * turn * (1 + variation)) / (2 * (1 - utilisation));
  return {
    utilisation,
    mean,
    p99: busy > 0.01 ? (turn * Math.log(busy / 0.01)) / decay(utilisation, variation) : 0,
    variance: busy === 0 ? 0 : mean ** 2 * (2 / busy - 1),
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

/** The 99th of 100 of what is taken as gamma-distributed with this mean and variance (Wilson and Hilferty). */
export function gammaP99(mean: number, variance: number): number {
  if (!Number.isFinite(mean) || mean === 0) return mean;
  const ninth = variance / (9 * mean ** 2);
  return mean * Math.max(0, 1 - ninth + 2.3263 * Math.sqrt(ninth)) ** 3;
}
