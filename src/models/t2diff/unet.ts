import { add, concat, inScope, pad, slice, type Tensor, width } from '../../graph/index.js';
import { swish } from '../../nn/activations.js';
import { convolution, maxPoolPairs, mirrorPad, repeatPairs } from '../../nn/convolution.js';
import { layerNorm } from '../../nn/normalization.js';

/** How a list is extended so that it divides into pairs on every level, and how convolutions treat its ends. */
export interface Layout {
  padding: 'valid' | 'same';
  before: number;
  after: number;
}

/**
 * The published layout where the length allows it: whole windows only, the list mirrored at both ends by as much as they eat (22
 * positions at length 50 and four levels). Other lengths get zeros before the oldest event and zeros around each convolution.
 */
export function layout(length: number, levels: number): Layout {
  let size = length + 2;
  let divides = true;
  for (let level = 1; level < levels; level++) {
    divides &&= size % 2 === 0;
    size = size / 2 + 2;
  }
  for (let level = 1; level < levels; level++) size = 2 * size + 2;
  const side = (size - length) / 2;
  if (divides && side <= length) return { padding: 'valid', before: side, after: side };
  const unit = 2 ** (levels - 1);
  return { padding: 'same', before: (unit - (length % unit)) % unit, after: 0 };
}

/** [..., n, c] → the length that `unet` wants. */
export function extend(x: Tensor, { padding, before, after }: Layout): Tensor {
  return padding === 'valid' ? mirrorPad(x, before, after) : pad(x, -2, before, after);
}

/**
 * The 1-D U-Net over time that estimates a clean sequence from a noised one: one convolution per level and side, channels d, 2d, 4d, …;
 * pairs pooled by their maximum on the way down and repeated on the way up, where the level's own features are joined.
 * @param x extended by `extend`, [..., n', c]
 * @returns [..., n, d]
 */
export function unet(x: Tensor, d: number, levels: number, length: number): Tensor {
  const { padding } = layout(length, levels);
  const block = (name: string, h: Tensor, channels: number) =>
    inScope(name, () => layerNorm('norm', swish(convolution('convolution', h, channels, { kernel: 3, padding }))));
  const kept: Tensor[] = [];
  let h = x;
  for (let level = 0; level < levels - 1; level++) {
    kept.push(block(`down${level + 1}`, h, d * 2 ** level));
    h = maxPoolPairs(kept.at(-1)!);
  }
  h = block('bottom', h, d * 2 ** (levels - 1));
  for (let level = levels - 2; level >= 0; level--) {
    const channels = d * 2 ** level;
    const name = `up${level + 1}`;
    // The same as widening what was repeated, for half the work.
    const wide = repeatPairs(swish(convolution(`${name}/widen`, h, channels, { kernel: 1 })));
    h = block(name, concat([wide, centre(kept[level]!, width(wide, -2))]), channels);
  }
  return slice(h, -2, width(h, -2) - length);
}

/** The middle `length` positions. */
function centre(x: Tensor, length: number): Tensor {
  const side = (width(x, -2) - length) / 2;
  return slice(x, -2, side, side + length);
}

/** The number of the step in the channels of every position, 0.01·sin(t / 2^f): one row for each t = 1 … T. */
export function stepCodes(steps: number, channels: number): number[][] {
  const code = (t: number) => Array.from({ length: channels }, (_, f) => 0.01 * Math.sin(t / 2 ** f));
  return Array.from({ length: steps }, (_, i) => code(i + 1));
}

/** The network's input: the noised sequence and the condition, both extended, and the code of the step on top: [..., n', 2d]. */
export function unetInput(noised: Tensor, condition: Tensor, code?: Tensor): Tensor {
  const both = concat([noised, condition]);
  return code === undefined ? both : add(both, code);
}
