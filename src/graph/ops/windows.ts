import { apply, type Op, type Tensor, unfit } from '../tensor.js';
import { add } from './arithmetic.js';
import { squeeze } from './reshape.js';
import { pad, slice } from './slice.js';

/** Every whole window of neighbouring positions of a list: [..., L, c] → [..., L − size + 1, size, c]. */
export const windowsOp: Op = {
  name: 'windows',
  infer([x], { size }) {
    const length = x!.shape.at(-2);
    if (typeof length !== 'number') unfit('needs a list whose length is a number');
    if (!(size >= 1 && size <= (length as number))) unfit(`no window of ${size} in a list of ${length}`);
    return {
      shape: [...x!.shape.slice(0, -2), (length as number) - size + 1, size, x!.shape.at(-1)!],
      dtype: x!.dtype,
    };
  },
  lower(emit, node, [x]) {
    const [count, size] = node.shape.slice(-3) as [number, number];
    const positions = Array.from({ length: count * size }, (_, i) => Math.floor(i / size) + (i % size));
    return emit.node('Gather', [x!, emit.constant('int64', [count, size], positions)], { axis: node.shape.length - 3 });
  },
  gradient(node, upstream) {
    const size = node.shape.at(-2) as number;
    const parts = Array.from({ length: size }, (_, k) =>
      pad(squeeze(slice(upstream, -2, k, k + 1), -2), -2, k, size - 1 - k),
    );
    return [parts.reduce(add)];
  },
  flops: () => 0,
};

export const windows = (x: Tensor, size: number): Tensor => apply(windowsOp, [x], { size });
