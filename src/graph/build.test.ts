import { describe, expect, it } from 'vitest';
import { TwoTowerError } from '../errors.js';
import {
  Build,
  isTraining,
  lookup,
  parameter,
  shared,
  state,
  tableRows,
  touchedRows,
  updateState,
  wholeTable,
} from './build.js';
import { gradients } from './gradient.js';
import * as ops from './ops/index.js';
import { inScope } from './scope.js';
import { floats, ints, run } from './testing/run.js';

const zeros = (shape: readonly number[]) => new Float32Array(shape.reduce((a, b) => a * b, 1));
const ids = ops.input('ids', ['B', 2], 'int32');

describe('parameters', () => {
  it('are named by where they are made', () => {
    const build = new Build(true);
    build.run(() => {
      inScope('user', () =>
        inScope('dense', () => [parameter('weight', [2, 3], zeros), parameter('bias', [3], zeros)]),
      );
      state('mean', [2], zeros);
    });
    const seen = [...build.parameters.values()].map(({ name, kind, shape, decay }) => [name, kind, shape, decay]);
    expect(seen).toEqual([
      ['user/dense/weight', 'dense', [2, 3], true],
      ['user/dense/bias', 'dense', [3], false],
      ['mean', 'state', [2], false],
    ]);
  });

  it('cannot be made twice by accident', () => {
    const twice = () => new Build(true).run(() => [1, 2].map(() => inScope('tower', () => parameter('w', [2], zeros))));
    expect(twice).toThrow('parameter tower/w is made twice');
    expect(twice).toThrow(TwoTowerError);
  });

  it('are made once and used twice inside shared()', async () => {
    const build = new Build(true);
    const [a, b] = build.run(() =>
      ['user', 'item'].map((side) => inScope(side, () => shared('text', () => parameter('w', [2], zeros)))),
    );
    expect([...build.parameters.keys()]).toEqual(['shared/text/w']);
    const { sum } = await run({ sum: ops.add(a!, b!) }, { 'shared/text/w': floats([1, 2]) });
    expect([...sum!.data]).toEqual([2, 4]);
  });

  it('cannot have two shapes', () => {
    const build = new Build(true);
    build.run(() => shared('text', () => parameter('w', [2], zeros)));
    expect(() => build.run(() => shared('text', () => parameter('w', [3], zeros)))).toThrow(
      'parameter shared/text/w is wanted as [3] and as [2]',
    );
    build.run(() => lookup('item', 10, 4, ids, zeros));
    expect(() => build.run(() => lookup('item', 10, 8, ids, zeros))).toThrow(
      'tables/item is wanted as [10, 8] and as [10, 4]',
    );
  });

  it('exist only while something is built', () => {
    expect(() => parameter('w', [2], zeros)).toThrow('only inside Build.run()');
    expect(new Build(true).run(isTraining)).toBe(true);
    expect(() =>
      new Build(true).run(() => new Build(false).run(() => parameter('w', [], zeros)) && ops.concat([])),
    ).toThrow();
    expect(isTraining).toThrow();
  });

  it('of the kind state are updated by the step', () => {
    const build = new Build(true);
    build.run(() => {
      const mean = state('mean', [2], zeros);
      updateState(mean, ops.multiply(mean, 0.9));
    });
    expect([...build.updates.keys()]).toEqual(['mean']);
  });
});

describe('lookup', () => {
  const table = [1, 2, 3, 4, 5, 6, 7, 8];
  const used = [3, 1, 1, 3];
  const training = {
    'tables/item': floats(table, [4, 2]),
    [touchedRows('tables/item')]: ints([3, 1]),
    'tables/item@ids': ints([0, 1, 1, 0], [2, 2]),
  };

  it('gives the same rows while training and serving', async () => {
    const build = (train: boolean) => new Build(train).run(() => lookup('item', 4, 2, ids, zeros));
    const trained = await run({ rows: build(true) }, training);
    const served = await run({ rows: build(false) }, { 'tables/item': floats(table, [4, 2]), ids: ints(used, [2, 2]) });
    expect(trained.rows).toEqual(served.rows);
    expect([...served.rows!.data]).toEqual([7, 8, 3, 4, 3, 4, 7, 8]);
  });

  it('sums the gradients of each touched row', async () => {
    const [g] = new Build(true).run(() =>
      gradients(ops.reduceSum(lookup('item', 4, 2, ids, zeros)), [tableRows('tables/item', 2)]),
    );
    expect((await run({ g: g! }, training)).g).toEqual({ data: Float32Array.of(2, 2, 2, 2), shape: [2, 2] });
  });

  it('tells the trainer once about each use of a feed', () => {
    const build = new Build(true);
    build.run(() => [ids, ids, ops.input('other', ['B'], 'int32')].map((fed) => lookup('item', 4, 2, fed, zeros)));
    expect(build.lookups).toEqual([
      { table: 'tables/item', bundle: 'tables/item', ids: 'ids', positions: 'tables/item@ids' },
      { table: 'tables/item', bundle: 'tables/item', ids: 'other', positions: 'tables/item@other' },
    ]);
  });

  it('may see the ids in another shape than they are fed in', async () => {
    const rows = new Build(true).run(() =>
      ops.concat([
        ops.flatten(lookup('item', 4, 2, ids, zeros)),
        ops.reshape(lookup('item', 4, 2, ops.reshape(ids, [-1]), zeros), ['B', 4]),
      ]),
    );
    expect([...(await run({ rows }, training)).rows!.data]).toEqual([7, 8, 3, 4, 7, 8, 3, 4, 3, 4, 7, 8, 3, 4, 7, 8]);
  });

  it('of a whole table asks for all of its rows, whatever the ids of a batch', async () => {
    const build = (train: boolean) => new Build(train);
    const [training, serving] = [build(true), build(false)];
    const rows = training.run(() => wholeTable('item', 4, 2, zeros));
    expect(training.lookups).toEqual([
      { table: 'tables/item', bundle: 'tables/item', ids: 4, positions: 'tables/item@all' },
    ]);
    const feeds = {
      'tables/item': floats(table, [4, 2]),
      [touchedRows('tables/item')]: ints([3, 1, 0, 2]),
      'tables/item@all': ints([2, 1, 3, 0]),
    };
    expect([...(await run({ rows }, feeds)).rows!.data]).toEqual(table);
    const served = serving.run(() => wholeTable('item', 4, 2, zeros));
    expect([...(await run({ served }, { 'tables/item': floats(table, [4, 2]) })).served!.data]).toEqual(table);
  });

  it('needs fed ids while training', () => {
    const build = () => inScope('user', () => new Build(true).run(() => lookup('item', 4, 2, ops.add(ids, 1), zeros)));
    expect(build).toThrow('user: tables/item is looked up by computed ids');
  });
});
