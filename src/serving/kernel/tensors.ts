import type { Code } from '../../assembler.js';
import { broadcast, contiguous, countOf, each, LANES, type Place, reshaped, type View } from './views.js';

/** Elements that are written out one after the other; more of them become a loop. */
const WRITTEN_OUT = 16;

/** A value of one candidate: in memory, or the formula of its elements, which is computed where it is read. */
export interface Tensor {
  readonly shape: readonly number[];
  view?: View;
  formula?: { inputs: readonly Tensor[]; emit: (code: Code) => void };
}

/** What the score of a candidate cannot be compiled for. */
export class Unfit extends Error {}

/** The function that scores four candidates, while it is being written. */
export class Scoring {
  /** The first free byte of the memory. */
  end = 0;
  /** Multiply-adds of matrix products, of one candidate. */
  products = 0;

  constructor(readonly code: Code) {}

  room(shape: readonly number[], size: View['size']): View {
    const view = contiguous(shape, this.end, size);
    this.end = aligned(this.end + countOf(shape) * size);
    return view;
  }

  /** Where a tensor lies, which is computed now if it was not. */
  viewOf(tensor: Tensor): View {
    if (tensor.view !== undefined) return tensor.view;
    const target = this.room(tensor.shape, LANES);
    each(this.code, [target, ...this.leaves(tensor, tensor.shape)], WRITTEN_OUT, ([to, ...from]) => {
      this.store(to!, () => this.element(tensor, from));
    });
    tensor.view = target;
    return target;
  }

  reshape(tensor: Tensor, shape: readonly number[]): Tensor {
    const view = reshaped(this.viewOf(tensor), shape);
    if (view !== undefined) return { shape, view };
    // In another order in memory: a copy that is in order.
    const copy: Tensor = { shape: tensor.shape, formula: { inputs: [tensor], emit: () => {} } };
    return { shape, view: reshaped(this.viewOf(copy), shape)! };
  }

  /**
   * The views that a tensor's elements are computed from, as seen from a shape it broadcasts to. What would be computed several times
   * for that is computed before.
   */
  leaves(tensor: Tensor, shape: readonly number[]): View[] {
    if (tensor.formula === undefined || tensor.view !== undefined || countOf(tensor.shape) < countOf(shape)) {
      return [broadcast(this.viewOf(tensor), shape)];
    }
    return tensor.formula.inputs.flatMap((input) => this.leaves(input, shape));
  }

  /** Puts one element on the stack. @param places one for each of the `leaves`, in their order */
  element(tensor: Tensor, places: Place[]): void {
    if (tensor.view !== undefined) {
      this.load(places.shift()!);
      return;
    }
    for (const input of tensor.formula!.inputs) this.element(input, places);
    tensor.formula!.emit(this.code);
  }

  load({ base, at, size }: Place): void {
    this.address(base);
    if (size === LANES) this.code.load(at);
    else this.code.splat(at);
  }

  store({ base, at }: Place, value: () => void): void {
    this.address(base);
    value();
    this.code.store(at);
  }

  private address(base: number | undefined): void {
    if (base === undefined) this.code.int(0);
    else this.code.get(base);
  }
}

export function aligned(bytes: number): number {
  return Math.ceil(bytes / LANES) * LANES;
}
