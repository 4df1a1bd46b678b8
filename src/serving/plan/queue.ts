/**
 * Waiting at a station of c servers that each take `service` milliseconds a request, requests arriving at random (Poisson) at
 * `perSecond`: M/D/c. The mean wait is taken as half of that of M/M/c (Erlang C), which is exact for one server; the chance of a
 * longer one falls off as that of one server c times as fast does.
 */
export interface Station {
  servers: number;
  /** Milliseconds a request occupies one server. */
  service: number;
  perSecond: number;
}

export interface Wait {
  /** Share of the time a server is busy; 1 and more: the queue grows without end. */
  utilisation: number;
  /** Milliseconds; infinite from a utilisation of 1 on. */
  mean: number;
  p99: number;
}

/** The chance that all of c servers are busy under an offered load of a Erlang (Erlang C), 1 from a = c on. */
export function erlangC(servers: number, offered: number): number {
  if (offered >= servers) return 1;
  // Erlang B by its recursion, which does not overflow as the factorials would.
  let blocked = 1;
  for (let n = 1; n <= servers; n++) blocked = (offered * blocked) / (n + offered * blocked);
  return blocked / (1 - (offered / servers) * (1 - blocked));
}

/** The mean wait C(c, a) · s / (2c(1 − ρ)), and the wait that 99 of 100 requests do not exceed: ln(C / 0.01) · s / (c · x). */
export function waiting({ servers, service, perSecond }: Station): Wait {
  const offered = (perSecond * service) / 1000;
  const utilisation = offered / servers;
  if (utilisation >= 1) return { utilisation, mean: Number.POSITIVE_INFINITY, p99: Number.POSITIVE_INFINITY };
  const busy = erlangC(servers, offered);
  const turn = service / servers;
  return {
    utilisation,
    mean: (busy * turn) / (2 * (1 - utilisation)),
    p99: busy > 0.01 ? (turn * Math.log(busy / 0.01)) / decay(utilisation) : 0,
  };
}

/** How fast long waits at one server become rare, per time of service: the x > 0 with ρ(eˣ − 1) = x, by halving. */
export function decay(utilisation: number): number {
  // Above: at the upper end ρ(eˣ − 1) is larger than x for every ρ that waits at all.
  let [low, high] = [0, 50];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (utilisation * Math.expm1(middle) < middle) low = middle;
    else high = middle;
  }
  return low;
}
