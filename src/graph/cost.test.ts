import { describe, expect, it } from 'vitest';
import { Build, lookup, parameter } from './build.js';
import { graphCost } from './cost.js';
import * as ops from './ops/index.js';
import { inScope } from './scope.js';
import type { Tensor } from './tensor.js';

const empty = () => new Float32Array(0);
const serving = (build: () => Tensor) => new Build(false).run(build);

describe('graphCost', () => {
  it('counts an MLP as by hand', () => {
    const layer = (name: string, x: Tensor, units: number) =>
      inScope(name, () =>
        ops.add(
          ops.matMul(x, parameter('weight', [x.shape[1] as number, units], empty)),
          parameter('bias', [units], empty),
        ),
      );
    const y = serving(() => layer('two', ops.relu(layer('one', ops.input('x', ['B', 3]), 4)), 2));
    const cost = graphCost([y], { B: 10 });
    expect(cost.multiplyAdds).toBe(10 * (3 * 4 + 4 * 2));
    expect(cost.flops).toBe(2 * cost.multiplyAdds + 10 * 4 + 10 * 4 + 10 * 2);
    expect(cost.parameters).toBe(3 * 4 + 4 + 4 * 2 + 2);
    expect(cost.parameterBytes).toBe(4 * cost.parameters);
    expect(cost.inputBytes).toBe(10 * 3 * 4);
    expect(cost.outputBytes).toBe(10 * 2 * 4);
    expect(cost.scopes.one).toEqual({ flops: 240 + 40, multiplyAdds: 120, parameters: 16, parameterBytes: 64 });
    expect(cost.scopes['']).toMatchObject({ flops: 40, parameters: 0 });
    const scoped = Object.values(cost.scopes).reduce((sum, { flops }) => sum + flops, 0);
    expect(scoped).toBe(cost.flops);
  });

  it('counts attention as by hand', () => {
    const [q, k, v] = ['q', 'k', 'v'].map((name) => ops.input(name, ['B', 'L', 8]));
    const scores = ops.divide(ops.matMul(q!, k!, { transposeB: true }), Math.sqrt(8));
    const y = ops.matMul(ops.softmax(scores), v!);
    const { flops, multiplyAdds } = graphCost([y], { B: 2, L: 5 });
    expect(multiplyAdds).toBe(2 * (5 * 5 * 8) * 2);
    expect(flops).toBe(2 * multiplyAdds + 2 * 5 * 5 + 5 * (2 * 5 * 5));
  });

  it('counts equal work once, and moving things about not at all', () => {
    const x = ops.input('x', ['B', 4]);
    const squares = () => ops.multiply(x, x);
    const moved = ops.reshape(ops.transpose(ops.concat([squares(), ops.stopGradient(squares())]), [1, 0]), [-1]);
    expect(graphCost([moved], { B: 3 }).flops).toBe(3 * 4);
  });

  it('counts padded lists as full', () => {
    const events = ops.used(ops.input('mask', ['B', 5], 'bool'));
    const taken = ops.takeUsed(ops.input('x', ['B', 5, 4]), events);
    const made = ops.matMul(taken, ops.input('w', [4, 2]));
    expect(graphCost([ops.putBack(made, events)], { B: 3 }).multiplyAdds).toBe(3 * 5 * 4 * 2);
  });

  it('counts the rows looked up of a table, not the table', () => {
    const y = serving(() => lookup('item', 1000, 16, ops.input('ids', ['B', 5], 'int32'), empty));
    const cost = graphCost([y], { B: 2 });
    expect(cost.parameters).toBe(16_000);
    expect(cost.parameterBytes).toBe(2 * 5 * 16 * 4);
    expect(cost.inputBytes).toBe(2 * 5 * 4);
  });

  it('counts a table whole where it is also read whole', () => {
    const y = serving(() => {
      const table = parameter('table', [10, 2], empty);
      return ops.add(ops.reduceSum(table), ops.gather(table, ops.input('ids', ['B'], 'int32')));
    });
    expect(graphCost([y], { B: 2 }).parameterBytes).toBe(80);
  });

  it('counts the steps of a scan, and what they share once', () => {
    const weight = ops.input('weight', [4, 4]);
    const step = (carry: Tensor, row: Tensor) => ops.add(ops.matMul(carry, ops.matMul(weight, weight)), row);
    const y = ops.scan(ops.input('start', ['B', 4]), [ops.input('rows', [5, 4])], step);
    const { multiplyAdds, flops } = graphCost([y], { B: 3 });
    expect(multiplyAdds).toBe(4 * 4 * 4 + 5 * (3 * 4 * 4));
    expect(flops).toBe(2 * multiplyAdds + 5 * (3 * 4));
  });

  it('wants every size', () => {
    expect(() => graphCost([ops.input('x', ['B'])], {})).toThrow('dimension B is not bound');
  });
});
