import {
  add,
  argMax,
  broadcastTo,
  concat,
  constant,
  equal,
  expandDims,
  gather,
  indicator,
  matMul,
  multiply,
  parameter,
  reduceSum,
  reshape,
  shared,
  slice,
  softmax,
  square,
  stopGradient,
  subtract,
  type Tensor,
  width,
} from '../../graph/index.js';
import { normal } from '../../nn/initializers.js';

/** A product quantiser: token vectors are cut into M parts, each replaced by the nearest of N codewords of its codebook. */
export class Quantizer {
  /** N^M, the number of different codes. */
  readonly codes: number;

  constructor(
    /** D, the width of a token. */
    readonly width: number,
    /** M */
    readonly parts: number,
    /** N */
    readonly codewords: number,
  ) {
    this.codes = codewords ** parts;
  }

  /**
   * @param tokens [B, K, D]
   * @returns the number of each token's code, int32 [B, K], and the codewords side by side, [B, K, D]
   */
  quantize(tokens: Tensor): { code: Tensor; quantized: Tensor } {
    let code: Tensor | undefined;
    const chosen = this.nearness(tokens).map((nearness, m) => {
      const word = argMax(nearness);
      code = code === undefined ? word : add(multiply(code, this.codewords), word);
      return gather(this.codebook(m), word);
    });
    return { code: code!, quantized: concat(chosen) };
  }

  /** How many of the tokens have each code: int32 [B, K] → [B, N^M]. */
  counts(code: Tensor): Tensor {
    const all = constant(
      Array.from({ length: this.codes }, (_, c) => c),
      [this.codes],
      'int32',
    );
    return reduceSum(indicator(equal(expandDims(code, -1), all)), 1);
  }

  /**
   * The counts, with the gradient that they would have if every token belonged to every code in proportion to
   * exp(−‖token − code‖²).
   */
  softenedCounts(tokens: Tensor, code: Tensor): Tensor {
    const [requests, count] = tokens.shape as [string, number, number];
    const shares = this.nearness(tokens).map((nearness) => softmax(multiply(nearness, 2)));
    const joint = shares.reduce((a, b) =>
      reshape(multiply(expandDims(a, -1), expandDims(b, -2)), [requests, count, width(a) * width(b)]),
    );
    const soft = reduceSum(joint, 1);
    return add(soft, stopGradient(subtract(this.counts(code), soft)));
  }

  /** Every code as a vector: [N^M, D]. */
  everyCode(): Tensor {
    const { parts, codewords, codes } = this;
    const columns = Array.from({ length: parts }, (_, m) => {
      const book = this.codebook(m);
      const placed = reshape(book, [1, codewords, 1, width(book)]);
      const repeated = broadcastTo(placed, [codewords ** m, codewords, codewords ** (parts - 1 - m), width(book)]);
      return reshape(repeated, [codes, width(book)]);
    });
    return concat(columns);
  }

  private codebook(m: number): Tensor {
    return shared('codebook', () => parameter(`part${m + 1}`, [this.codewords, this.width / this.parts], normal(1)));
  }

  /** ⟨t, c⟩ − ‖c‖²/2 of each part with each of its codewords, largest where the distance is smallest: M of [B, K, N]. */
  private nearness(tokens: Tensor): Tensor[] {
    const size = this.width / this.parts;
    return Array.from({ length: this.parts }, (_, m) => {
      const book = this.codebook(m);
      const half = multiply(reduceSum(square(book), -1), 0.5);
      return subtract(matMul(slice(tokens, -1, m * size, (m + 1) * size), book, { transposeB: true }), half);
    });
  }
}
