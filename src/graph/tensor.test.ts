import { describe, expect, it } from 'vitest';
import { TwoTowerError } from '../errors.js';
import * as ops from './ops/index.js';
import { inScope } from './scope.js';
import type { Shape } from './shape.js';
import { apply, type DType, dimension, type Tensor, width } from './tensor.js';

const x = (shape: Shape, dtype: DType = 'float32'): Tensor => ops.input('x', shape, dtype);

describe('a shape that does not fit', () => {
  it('names the place, the operation and the shapes', () => {
    const build = () =>
      inScope('user', () => inScope('mlp', () => inScope('dense1', () => ops.matMul(x(['B', 3]), x([4, 2])))));
    expect(build).toThrow('user/mlp/dense1: matMul(float32[B, 3], float32[4, 2]): inner sizes differ: 3 and 4');
    try {
      build();
    } catch (error) {
      expect(error).toBeInstanceOf(TwoTowerError);
      expect((error as TwoTowerError).code).toBe('GRAPH_SHAPE');
    }
    expect(() => ops.add(x([2]), x([3]))).toThrow('(top): add(float32[2], float32[3]): shapes do not broadcast');
  });

  it.each<[string, () => Tensor, string]>([
    ['add of two types', () => ops.add(x([2]), x([2], 'int32')), 'float32 and int32'],
    ['add of truth', () => ops.add(x([2], 'bool'), x([2], 'bool')), 'needs numbers'],
    ['comparison', () => ops.less(x(['B']), x(['N'])), 'less(float32[B], float32[N])'],
    ['and of numbers', () => ops.and(x([2]), x([2])), 'needs bool'],
    ['not of numbers', () => ops.not(x([2])), 'needs bool'],
    ['exp of whole numbers', () => ops.exp(x([2], 'int32')), 'floating-point'],
    ['softmax of a scalar', () => ops.softmax(x([])), 'needs an axis'],
    ['softmax of whole numbers', () => ops.logSoftmax(x([2], 'int32')), 'floating-point'],
    ['matMul of vectors', () => ops.matMul(x([2]), x([2])), 'at least two axes'],
    ['matMul of two types', () => ops.matMul(x([2, 2]), x([2, 2], 'int32')), 'float32 and int32'],
    ['matMul, leading axes', () => ops.matMul(x(['B', 2, 3]), x(['N', 3, 2])), 'leading axes'],
    ['reduceSum', () => ops.reduceSum(x([2]), 1), 'no axis 1'],
    ['reduceMean, from the end', () => ops.reduceMean(x([2]), -2), 'no axis -2'],
    ['reduceMax of truth', () => ops.reduceMax(x([2], 'bool'), 0), 'needs numbers'],
    ['reshape', () => ops.reshape(x(['B', 3]), [2, 3]), 'cannot hold [2, 3]'],
    ['reshape with an open axis', () => ops.reshape(x(['B', 3]), [2, -1]), 'cannot hold [2, -1]'],
    ['reshape of unknown sizes', () => ops.reshape(x(['B*N', 3]), ['B', 'N', 3]), 'the sizes B, N of [B, N, 3]'],
    ['squeeze', () => ops.squeeze(x([2, 3]), 0), 'cannot hold [3]'],
    ['transpose', () => ops.transpose(x([2, 3]), [0, 0]), '[0, 0] is no order'],
    ['broadcastTo', () => ops.broadcastTo(x([3]), [2]), 'cannot broadcast to [2]'],
    ['broadcastTo a size nobody has', () => ops.broadcastTo(x([1]), ['B'], x(['N'])), 'the size B'],
    ['concat of other sizes', () => ops.concat([x([2, 3]), x([3, 3])]), 'differ beyond axis 1'],
    ['concat of other ranks', () => ops.concat([x([2, 3]), x([2])]), 'numbers of axes differ'],
    ['concat of other types', () => ops.concat([x([2]), x([2], 'int32')]), 'element types differ'],
    ['concat of named sizes', () => ops.concat([x(['B']), x(['N'])]), 'named size B'],
    ['concat beyond the axes', () => ops.concat([x([2]), x([2])], 3), 'no axis 3'],
    ['concat of nothing', () => ops.concat([]), 'at least one'],
    ['slice of a named size', () => ops.slice(x(['B']), 0, 0, 1), 'named size B'],
    ['slice beyond the end', () => ops.slice(x([3]), 0, 1, 4), 'no positions 1 to 4'],
    ['slice of nothing', () => ops.slice(x([3]), 0, 2, 2), 'no positions 2 to 2'],
    ['slice of no axis', () => ops.slice(x([3]), 2, 0, 1), 'no axis 2'],
    ['pad by less than nothing', () => ops.pad(x([3]), 0, -1, 0), 'cannot add -1'],
    ['where without a condition', () => ops.where(x([2]), x([2]), x([2])), 'must be bool'],
    ['where of two types', () => ops.where(x([2], 'bool'), x([2]), x([2], 'int32')), 'float32 and int32'],
    ['where of other shapes', () => ops.where(x([2], 'bool'), x([3]), x([3])), 'do not broadcast'],
    ['gather by floats', () => ops.gather(x([2, 2]), x([2])), 'int32 or int64'],
    ['gather from a scalar', () => ops.gather(x([]), x([2], 'int32')), 'needs an axis'],
    ['gatherAlong of other rows', () => ops.gatherAlong(x(['B', 3]), x(['N', 3], 'int32')), 'before the last axis'],
    ['scatterAlong', () => apply(ops.scatterAlongOp, [x([2]), x([3], 'int32'), x([4])]), 'one index for each value'],
    ['scatterSum', () => apply(ops.scatterSumOp, [x([2, 2]), x([3], 'int32'), x([4])]), 'one index for each row'],
    ['topK of too few', () => ops.topK(x([2]), 3), 'only 2 values'],
    ['standardize over a named size', () => ops.standardize(x([2, 'N'])), 'must be a number'],
    ['constant', () => ops.constant([1, 2], [3]), '2 values for [3]'],
    ['dropout of everything', () => ops.random({ kind: 'dropout', rate: 1 }, ['B']), 'not at 1'],
  ])('%s', (_, build, message) => {
    expect(build).toThrow(message);
    expect(build).toThrow(TwoTowerError);
  });
});

describe('sizes of a tensor', () => {
  it('are told by axis, from either end', () => {
    expect(dimension(x(['B', 3]), 0)).toBe('B');
    expect(width(x(['B', 3]))).toBe(3);
    expect(() => dimension(x(['B', 3]), 2)).toThrow('no axis 2 in [B, 3]');
    expect(() => inScope('head', () => width(x(['B', 3]), 0))).toThrow('head: axis 0 of [B, 3] must be a number here');
  });
});

describe('inScope', () => {
  it('is left again after an error', () => {
    expect(() => inScope('broken', () => ops.add(x([2]), x([3])))).toThrow('broken: add');
    expect(ops.input('x', []).scope).toBe('');
  });
});
