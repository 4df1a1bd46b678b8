/** β_t, and what follows from it; index 0 is t = 1. */
export interface Schedule {
  beta: number[];
  /** ᾱ_t = Π (1 − β) */
  kept: number[];
}

/** Exponential noise: β_t = start·exp(growth·t/T), t = 1 … T. */
export function exponentialSchedule(steps: number, start: number, growth: number): Schedule {
  const beta = Array.from({ length: steps }, (_, i) => start * Math.exp((growth * (i + 1)) / steps));
  let product = 1;
  return {
    beta,
    kept: beta.map((b) => {
      product *= 1 - b;
      return product;
    }),
  };
}

/** One step back: x_{t−1} = clean·x̂_0 + noised·x_t + deviation·ε. */
export interface ReverseStep {
  clean: number;
  noised: number;
  deviation: number;
}

/**
 * The posterior of DDPM (Ho et al., 2020, equations 6 and 7) at step t > 1. `released`: as in the authors' published code, which has
 * √ᾱ_t where the posterior has √α_t, and the variance where it has the deviation.
 */
export function reverseStep({ beta, kept }: Schedule, t: number, released: boolean): ReverseStep {
  const [b, now, before] = [beta[t - 1]!, kept[t - 1]!, kept[t - 2]!];
  const variance = ((1 - before) / (1 - now)) * b;
  return {
    clean: (Math.sqrt(before) * b) / (1 - now),
    noised: (Math.sqrt(released ? now : 1 - b) * (1 - before)) / (1 - now),
    deviation: released ? variance : Math.sqrt(variance),
  };
}
