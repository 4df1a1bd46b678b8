import type { Random } from '../random.js';
import type { Distribution } from './ops/leaves.js';

/** Draws `length` numbers of the distribution that a random input asks for. */
export function fillRandom(distribution: Distribution, length: number, random: Random): Float32Array {
  const data = new Float32Array(length);
  switch (distribution.kind) {
    case 'normal':
      for (let i = 0; i < length; i++) data[i] = random.normal();
      return data;
    case 'uniform':
      for (let i = 0; i < length; i++) data[i] = random.uniform();
      return data;
    case 'dropout':
      return fillDropout(data, distribution.rate, random);
  }
}

/** Four decisions from each 32-bit draw. The scale matches the rounded rate, so that the mean stays exactly 1. */
function fillDropout(data: Float32Array, rate: number, random: Random): Float32Array {
  const dropped = Math.round(rate * 256);
  const scale = 256 / (256 - dropped);
  const whole = data.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    const bits = random.uint32();
    data[i] = (bits & 255) < dropped ? 0 : scale;
    data[i + 1] = ((bits >>> 8) & 255) < dropped ? 0 : scale;
    data[i + 2] = ((bits >>> 16) & 255) < dropped ? 0 : scale;
    data[i + 3] = bits >>> 24 < dropped ? 0 : scale;
  }
  for (let i = whole; i < data.length; i++) data[i] = (random.uint32() & 255) < dropped ? 0 : scale;
  return data;
}
