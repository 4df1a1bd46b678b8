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
 * The posterior of DDPM (Ho et al., 2020, equations 6 and 7) from step t to an earlier one; where that is not t − 1, with the β that
 * covers all steps between. `released`: as in the authors' published code, which has √ᾱ_t where the posterior has √α_t, and the
 * variance where it has the deviation.
 */
export function reverseStep({ kept }: Schedule, t: number, earlier: number, released: boolean): ReverseStep {
  const [now, before] = [kept[t - 1]!, kept[earlier - 1]!];
  const stays = now / before;
  const variance = ((1 - before) / (1 - now)) * (1 - stays);
  return {
    clean: (Math.sqrt(before) * (1 - stays)) / (1 - now),
    noised: (Math.sqrt(released ? now : stays) * (1 - before)) / (1 - now),
    deviation: released ? variance : Math.sqrt(variance),
  };
}

/** Which of the T steps a chain of `count` visits, evenly apart, from T down to 1 (or T alone). */
export function visitedSteps(steps: number, count: number): number[] {
  if (count === 1) return [steps];
  return Array.from({ length: count }, (_, i) => Math.round(steps - (i * (steps - 1)) / (count - 1)));
}
