import { Random } from '../src/random.js';

const ROUNDS = 60;

/**
 * Coordinates of rows along the directions in which they vary most: values [rows, width] → [rows, count]. Power iteration, one
 * direction after the other.
 */
export function principalComponents(values: Float32Array, width: number, count: number): Float64Array[] {
  const rows = values.length / width;
  const centred = Float64Array.from(values);
  for (let k = 0; k < width; k++) {
    let mean = 0;
    for (let i = 0; i < rows; i++) mean += centred[i * width + k]! / rows;
    for (let i = 0; i < rows; i++) centred[i * width + k]! -= mean;
  }
  return Array.from({ length: count }, (_, component) => {
    const random = Random.of(1, 'principal component', component);
    let direction = Float64Array.from({ length: width }, () => random.normal());
    for (let round = 0; round < ROUNDS; round++) {
      const along = project(centred, width, unit(direction));
      direction = new Float64Array(width);
      for (let i = 0; i < rows; i++) {
        for (let k = 0; k < width; k++) direction[k]! += along[i]! * centred[i * width + k]!;
      }
    }
    const axis = unit(direction);
    const along = project(centred, width, axis);
    // What this direction explains is taken out, and the next one is looked for in the rest.
    for (let i = 0; i < rows; i++) for (let k = 0; k < width; k++) centred[i * width + k]! -= along[i]! * axis[k]!;
    return along;
  });
}

function project(values: Float64Array, width: number, axis: Float64Array): Float64Array {
  return Float64Array.from({ length: values.length / width }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += values[i * width + k]! * axis[k]!;
    return sum;
  });
}

function unit(x: Float64Array): Float64Array {
  const length = Math.hypot(...x) || 1;
  return x.map((value) => value / length);
}
