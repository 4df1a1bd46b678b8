import { assemble, Code } from '../../assembler.js';

/** Rows whose largest score is kept: a block that holds none good enough is passed over at once. */
export const BLOCK = 64;
/** Rows that are scored in one call. Their scores stay in the nearest caches until they have been looked at. */
export const CHUNK = 32_768;
/** Values of a row that one instruction multiplies: rows are padded to a multiple. */
export const PRODUCTS = 8;
const SIDE_BY_SIDE = 4;
const VECTOR = 16;
const INT = 4;
const PAGE = 65_536;

/** Where things lie in the memory of the scan, in bytes. */
export interface ScanLayout {
  /** int32: the address of the first row to be scored. */
  first: number;
  /** int32: how good a row has to be. */
  least: number;
  /** int32: bytes of the blocks that hold such a row. */
  passed: number;
  /** int16 [stride]: the query. */
  query: number;
  /** int32 [CHUNK / BLOCK, 4]: the largest scores of a block are the largest of four. */
  largest: number;
  /** int32 [CHUNK / BLOCK]: the blocks that passed, counted from the first. */
  blocks: number;
  /** int32 [CHUNK] */
  scores: number;
  /** int8 [rows, stride] */
  rows: number;
  /** Of a row. */
  stride: number;
}

/** Bytes of a row: its width, and zeros up to a multiple of `PRODUCTS`. */
export const strideOf = (width: number) => PRODUCTS * Math.ceil(width / PRODUCTS);

export function scanLayout(width: number): ScanLayout {
  const stride = strideOf(width);
  const query = VECTOR;
  const largest = query + 2 * stride;
  const blocks = largest + (CHUNK / BLOCK) * VECTOR;
  const scores = blocks + (CHUNK / BLOCK) * INT;
  return {
    first: 0,
    least: INT,
    passed: 2 * INT,
    query,
    largest,
    blocks,
    scores,
    rows: scores + CHUNK * INT,
    stride,
  };
}

/**
 * A WebAssembly module whose `run(blocks)` compares a query of 16-bit numbers with so many blocks of rows of bytes. What it computes
 * is exact where no sum exceeds 32 bits.
 */
export function scanModule(layout: ScanLayout): Uint8Array<ArrayBuffer> {
  const { first, least, passed, query, largest, blocks, scores, rows, stride } = layout;
  const code = new Code();
  const row = code.local('i32');
  const score = code.local('i32');
  const most = code.local('i32');
  const best = code.local('v128');
  const bound = code.local('v128');
  const next = code.local('i32');
  const parts = Array.from({ length: stride / PRODUCTS }, (_, i) => {
    const part = code.local('v128');
    code
      .int(0)
      .load(query + 2 * PRODUCTS * i)
      .set(part);
    return part;
  });
  const sums = Array.from({ length: SIDE_BY_SIDE }, () => code.local('v128'));
  code.int(0).loadInt(first).set(row);
  code.int(scores).set(score);
  code.int(largest).set(most);
  code.int(blocks).set(next);
  code.int(0).splat(least).set(bound);
  code.loop({ local: code.parameter }, (block) => {
    code.ints(-(2 ** 31)).set(best);
    code.loop(BLOCK / SIDE_BY_SIDE, () => {
      sums.forEach((sum, side) => {
        parts.forEach((part, i) => {
          code
            .get(row)
            .loadBytes(side * stride + PRODUCTS * i)
            .get(part)
            .simd('pairProducts');
          if (i > 0) code.simd('addInts');
        });
        code.set(sum);
      });
      // Four sums of four parts become one vector of four sums.
      const [a, b, c, d] = sums as [number, number, number, number];
      const pairs = (one: number, other: number) => {
        code.get(one).get(other).shuffle(0, 4, 1, 5);
        code.get(one).get(other).shuffle(2, 6, 3, 7);
        code.simd('addInts');
      };
      pairs(a, b);
      code.set(a);
      pairs(c, d);
      code.set(c);
      code.get(score);
      code.get(a).get(c).shuffle(0, 1, 4, 5);
      code.get(a).get(c).shuffle(2, 3, 6, 7);
      code.simd('addInts').tee(d);
      code.store(0);
      code.get(best).get(d).simd('largerInts').set(best);
      code
        .get(row)
        .int(SIDE_BY_SIDE * stride)
        .op('add')
        .set(row);
      code.get(score).int(VECTOR).op('add').set(score);
    });
    code.get(most).get(best).store(0);
    code.get(most).int(VECTOR).op('add').set(most);
    // Every block is written down; the next one is written over it unless it passed.
    code.get(next).get(block).storeInt(0);
    code.get(next);
    code.get(best).get(bound).simd('atLeastInts').simd('any').int(INT).op('multiply');
    code.op('add').set(next);
  });
  code.int(0).get(next).int(-blocks).op('add').storeInt(passed);
  return assemble(code, Math.ceil(rows / PAGE));
}
