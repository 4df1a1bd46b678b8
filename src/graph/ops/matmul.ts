import { broadcast, product } from '../shape.js';
import { apply, type Op, type Tensor, unfit } from '../tensor.js';
import { unbroadcast } from './broadcast.js';
import { reshape } from './reshape.js';

interface Flags {
  transposeA?: boolean;
  transposeB?: boolean;
}

function swapLast<T>(shape: readonly T[]): T[] {
  return [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
}

/** Matrix product of the last two axes; leading axes broadcast. Two matrices become one Gemm, which transposes for free. */
export const matMulOp: Op = {
  name: 'matMul',
  infer([a, b], { transposeA, transposeB }) {
    if (a!.shape.length < 2 || b!.shape.length < 2) unfit('needs at least two axes on both sides');
    if (a!.dtype !== b!.dtype) unfit(`element types differ: ${a!.dtype} and ${b!.dtype}`);
    const left = transposeA ? swapLast(a!.shape) : a!.shape;
    const right = transposeB ? swapLast(b!.shape) : b!.shape;
    if (left.at(-1) !== right.at(-2)) unfit(`inner sizes differ: ${left.at(-1)} and ${right.at(-2)}`);
    const batch = broadcast(left.slice(0, -2), right.slice(0, -2));
    if (batch === undefined) unfit('leading axes do not broadcast');
    return { shape: [...batch!, left.at(-2)!, right.at(-1)!], dtype: a!.dtype };
  },
  lower(emit, node, [a, b]) {
    const [left, right] = node.inputs as [Tensor, Tensor];
    const { transposeA, transposeB } = node.attributes as Flags;
    if (left.shape.length === 2 && right.shape.length === 2) {
      if (!transposeA && !transposeB) return emit.node('MatMul', [a!, b!]);
      return emit.node('Gemm', [a!, b!], { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 });
    }
    // ONNX Runtime folds these transposes into its fused matrix product.
    const permute = (name: string, rank: number) =>
      emit.node('Transpose', [name], { perm: swapLast(Array.from({ length: rank }, (_, i) => i)) });
    return emit.node('MatMul', [
      transposeA ? permute(a!, left.shape.length) : a!,
      transposeB ? permute(b!, right.shape.length) : b!,
    ]);
  },
  gradient(node, upstream) {
    const [a, b] = node.inputs as [Tensor, Tensor];
    const { transposeA, transposeB } = node.attributes as Flags;
    const da = transposeA
      ? matMul(b, upstream, { transposeA: transposeB === true, transposeB: true })
      : matMul(upstream, b, { transposeB: !transposeB });
    const db = transposeB
      ? matMul(upstream, a, { transposeA: true, transposeB: transposeA === true })
      : matMul(a, upstream, { transposeA: !transposeA });
    return [unbroadcast(da, a.shape), unbroadcast(db, b.shape)];
  },
  flops(node, size) {
    const [a] = node.inputs as [Tensor];
    const inner = node.attributes.transposeA ? a.shape.at(-2)! : a.shape.at(-1)!;
    return 2 * size(node.shape) * size([inner]);
  },
};

/** `a · b` over the last two axes. Where `b` is one matrix, leading axes of `a` are folded into its rows. */
export function matMul(a: Tensor, b: Tensor, flags: Flags = {}): Tensor {
  if (a.shape.length > 2 && b.shape.length === 2 && !flags.transposeA) {
    const leading = a.shape.slice(0, -1);
    const flat = matMul(reshape(a, [product(leading), a.shape.at(-1)!]), b, flags);
    return reshape(flat, [...leading, flat.shape[1]!], a);
  }
  return apply(matMulOp, [a, b], { transposeA: flags.transposeA === true, transposeB: flags.transposeB === true });
}
