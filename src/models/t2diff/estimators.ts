import {
  add,
  broadcastTo,
  cast,
  constant,
  exp,
  floor,
  gather,
  minimum,
  multiply,
  random,
  reduceMean,
  reshape,
  scan,
  shared,
  square,
  subtract,
  type Tensor,
  width,
} from '../../graph/index.js';
import { dense } from '../../nn/dense.js';
import { Random } from '../../random.js';
import type { Options } from './options.js';
import { exponentialSchedule, reverseStep, visitedSteps } from './schedule.js';
import { extend, layout, stepCodes, unet, unetInput } from './unet.js';

/** Estimates a clean sequence [R, n, d] under a condition [R, n, d], the behaviours it belongs to. */
export interface Estimator {
  /** From the clean sequence itself, noised or encoded; `divergence` [R, n, 1] is added to the distance. */
  learn(clean: Tensor, condition: Tensor): { estimate: Tensor; divergence?: Tensor };
  /** In one pass from noise that is drawn anew. */
  draw(condition: Tensor): Tensor;
  /** As serving does: the same whenever it is asked. */
  serve(condition: Tensor): Tensor;
}

type Create = (options: Options, length: number) => Estimator;

/** Everything a U-Net [noised; condition] → [R, n, d] needs besides its inputs; the condition is extended once for all passes. */
function network(name: string, { levels }: Options, length: number) {
  const ends = layout(length, levels);
  return (condition: Tensor) => {
    const extended = extend(condition, ends);
    return (noised: Tensor, code?: Tensor) =>
      shared(name, () => unet(unetInput(extend(noised, ends), extended, code), width(condition), levels, length));
  };
}

/** DDPM (Ho et al., 2020) with a network that estimates the clean sequence. */
const diffusion: Create = (options, length) => {
  const { steps, servingSteps, releasedCoefficients, noiseSeed } = options;
  const schedule = exponentialSchedule(steps, options.schedule.start, options.schedule.growth);
  const estimator = network('unet', options, length);
  const codes = (d: number) => stepCodes(steps, 2 * d);
  const codeOf = (t: number, d: number) => constant(codes(d)[t - 1]!, [1, 1, 2 * d]);
  const normal = (like: Tensor) => random({ kind: 'normal' }, like.shape);

  return {
    learn(clean, condition) {
      const [rows, , d] = clean.shape as [number | string, number, number];
      // A uniform number is below 1, but may become 1 when it is rounded to float32.
      const drawn = multiply(random({ kind: 'uniform' }, [rows]), steps);
      const t = cast(minimum(floor(drawn), steps - 1), 'int32');
      const perRow = (values: readonly number[]) => reshape(gather(constant(values, [steps]), t), [rows, 1, 1]);
      const signal = perRow(schedule.kept.map(Math.sqrt));
      const spread = perRow(schedule.kept.map((kept) => Math.sqrt(1 - kept)));
      const noised = add(multiply(clean, signal), multiply(normal(clean), spread));
      const code = gather(constant(codes(d).flat(), [steps, 2 * d]), t);
      return { estimate: estimator(condition)(noised, reshape(code, [rows, 1, 2 * d])) };
    },
    draw: (condition) => estimator(condition)(normal(condition), codeOf(steps, width(condition))),
    serve(condition) {
      const d = width(condition);
      const stream = Random.of(noiseSeed, 't2diff');
      const noise = () => Array.from({ length: length * d }, () => stream.normal());
      const start = constant(noise(), [1, length, d]);
      const visited = visitedSteps(steps, Math.min(steps, servingSteps ?? steps));
      const count = visited.length;
      // The last step keeps the estimate alone.
      const back = visited.map((t, i) =>
        i + 1 < count
          ? reverseStep(schedule, t, visited[i + 1]!, releasedCoefficients)
          : { clean: 1, noised: 0, deviation: 0 },
      );
      const added = back.flatMap(({ deviation }, i) =>
        i + 1 < count ? noise().map((one) => deviation * one) : new Array<number>(length * d).fill(0),
      );
      const estimate = estimator(condition);
      return scan(
        broadcastTo(start, condition.shape, condition),
        [
          constant(
            visited.flatMap((t) => codes(d)[t - 1]!),
            [count, 1, 1, 2 * d],
          ),
          constant(
            back.map(({ clean }) => clean),
            [count],
          ),
          constant(
            back.map(({ noised }) => noised),
            [count],
          ),
          constant(added, [count, 1, length, d]),
        ],
        (noised, code, clean, stay, noise) =>
          add(add(multiply(estimate(noised, code), clean), multiply(noised, stay)), noise),
      );
    },
  };
};

/** One pass of the U-Net that sees the condition alone. */
const regression: Create = (options, length) => {
  const estimator = network('unet', options, length);
  const estimate = (condition: Tensor) => estimator(condition)(multiply(condition, 0));
  return { learn: (_, condition) => ({ estimate: estimate(condition) }), draw: estimate, serve: estimate };
};

/**
 * A conditional variational autoencoder (Kingma and Welling, 2014): one U-Net encodes the clean sequence as a normal
 * distribution at every position, another decodes. Serving decodes the prior's mean.
 */
const vae: Create = (options, length) => {
  const encoder = network('encoder', options, length);
  const decoder = network('unet', options, length);
  return {
    learn(clean, condition) {
      const d = width(clean);
      const hidden = encoder(condition)(clean);
      const [mean, logVariance] = shared('code', () => [dense('mean', hidden, d), dense('logVariance', hidden, d)]) as [
        Tensor,
        Tensor,
      ];
      const code = add(mean, multiply(exp(multiply(logVariance, 0.5)), random({ kind: 'normal' }, clean.shape)));
      // Twice the Kullback-Leibler distance to the prior, per channel as the squared distance is.
      const excess = subtract(add(square(mean), exp(logVariance)), add(logVariance, 1));
      return { estimate: decoder(condition)(code), divergence: reduceMean(excess, -1, true) };
    },
    draw: (condition) => decoder(condition)(random({ kind: 'normal' }, condition.shape)),
    serve: (condition) => decoder(condition)(multiply(condition, 0)),
  };
};

export const ESTIMATORS = { 'drift-diffusion': diffusion, 'raw-diffusion': diffusion, regression, vae };
