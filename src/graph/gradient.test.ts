import { describe, expect, it } from 'vitest';
import { gradients } from './gradient.js';
import * as ops from './ops/index.js';
import { inScope } from './scope.js';
import { apply, type Op } from './tensor.js';
import { floats, run } from './testing/run.js';

const x = ops.input('x', [2]);
const feeds = { x: floats([3, -2]) };

describe('gradients', () => {
  it('add up over all ways to a leaf', async () => {
    const [g] = gradients(ops.reduceSum(ops.add(ops.multiply(x, x), ops.multiply(x, 5))), [x]);
    expect([...(await run({ g: g! }, feeds)).g!.data]).toEqual([2 * 3 + 5, 2 * -2 + 5]);
  });

  it('treat two tensors of one input as one leaf', async () => {
    const again = ops.input('x', [2]);
    const [g] = gradients(ops.reduceSum(ops.multiply(x, again)), [again]);
    expect([...(await run({ g: g! }, feeds)).g!.data]).toEqual([6, -4]);
  });

  it('reach tensors in the middle', async () => {
    const middle = ops.multiply(x, x);
    const [g, leaf] = gradients(ops.reduceSum(ops.multiply(middle, middle)), [middle, x]);
    const result = await run({ g: g!, leaf: leaf! }, feeds);
    expect([...result.g!.data]).toEqual([18, 8]);
    expect([...result.leaf!.data]).toEqual([108, -32]);
  });

  it('can be differentiated again', async () => {
    const [first] = gradients(ops.reduceSum(ops.multiply(ops.multiply(x, x), x)), [x]);
    const [second] = gradients(ops.reduceSum(first!), [x]);
    expect([...(await run({ second: second! }, feeds)).second!.data]).toEqual([18, -12]);
  });

  it('are undefined where nothing depends on a leaf', () => {
    const other = ops.input('other', [2]);
    expect(gradients(ops.reduceSum(x), [other])).toEqual([undefined]);
    expect(gradients(ops.reduceSum(ops.floor(x)), [x])).toEqual([undefined]);
  });

  it('exist for scalars only', () => {
    expect(() =>
      gradients(
        inScope('loss', () => ops.tanh(x)),
        [x],
      ),
    ).toThrow('loss: only a scalar has gradients, not [2]');
  });

  it('name an op whose gradient has the wrong shape', () => {
    const broken: Op = {
      name: 'broken',
      infer: ([input]) => ({ shape: input!.shape, dtype: 'float32' }),
      lower: (emit, _, [input]) => emit.node('Tanh', [input!]),
      gradient: (_, upstream) => [ops.reduceSum(upstream)],
    };
    const loss = ops.reduceSum(inScope('layer', () => apply(broken, [x])));
    expect(() => gradients(loss, [x])).toThrow('layer: gradient of broken is [] for an input of [2]');
  });

  it('are made in the scope of what they belong to', () => {
    const [g] = gradients(ops.reduceSum(inScope('user', () => ops.tanh(x))), [x]);
    expect(g!.scope).toBe('gradient/user');
  });
});
