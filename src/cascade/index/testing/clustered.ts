import { Random } from '../../../random.js';
import type { Vectors } from '../retrieval-index.js';

/** Gaussian clouds around seeded centres, some of them longer than others; the same centres for every `path`. */
export function clustered(count: number, width: number, path: string, clusters = 40): Vectors {
  const random = Random.of(1, 'clustered', path);
  const data = new Float32Array(count * width);
  const centres = Random.of(1, 'centres');
  const centre = Float32Array.from({ length: clusters * width }, () => centres.normal());
  for (let row = 0; row < count; row++) {
    const start = random.below(clusters) * width;
    const length = 0.5 + random.uniform();
    for (let i = 0; i < width; i++) data[row * width + i] = length * (centre[start + i]! + 0.5 * random.normal());
  }
  return { data, shape: [count, width] };
}
