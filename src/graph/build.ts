import { TwoTowerError } from '../errors.js';
import type { Random } from '../random.js';
import { gather, planSource } from './ops/gather.js';
import { input, inputOp } from './ops/leaves.js';
import { reshape } from './ops/reshape.js';
import { takeUsed, type Used } from './ops/used.js';
import { atRoot, currentScope, inScope } from './scope.js';
import { formatShape, type Shape, sameShape } from './shape.js';
import { apply, type Op, type Tensor } from './tensor.js';

/** Fills the first values of a parameter. */
export type Initializer = (shape: readonly number[], random: Random) => Float32Array;

/**
 * `dense`: trained, small, part of the training graph. `table`: an embedding table, trained row by row, kept on the host.
 * `state`: not trained by gradient but updated by the training step (running means).
 */
export type ParameterKind = 'dense' | 'table' | 'state';

export interface Parameter {
  name: string;
  kind: ParameterKind;
  shape: readonly number[];
  initialize: Initializer;
  /** Whether weight decay applies. */
  decay: boolean;
}

/** One lookup of table rows, as the training step sees it: positions among the rows that the batch touches. */
export interface Lookup {
  table: string;
  /** Tables of one bundle lie below each other in one array, and their touched rows are handled together. */
  bundle: string;
  /** The feed with row numbers of the table, or how many rows the table has where all of them are asked for. */
  ids: string | number;
  /** The feed with positions among the distinct rows of the bundle that this batch touches, same shape. */
  positions: string;
  /** The feed with the lengths of lists whose last positions alone are looked up, one after the other: [..., L, …] → [E, …]. */
  lengths?: string;
}

/** What building one graph gathers besides tensors. */
export class Build {
  readonly parameters = new Map<string, Parameter>();
  readonly lookups: Lookup[] = [];
  /** The rows that each lookup found, [..., width], in the order of `lookups`. */
  readonly found: Tensor[] = [];
  /** New values of `state` parameters after this step. */
  readonly updates = new Map<string, Tensor>();
  private readonly owned = new Set<string>();

  /** @param bundleOf names the bundle a table belongs to; each is one of its own unless said otherwise. */
  constructor(
    readonly training: boolean,
    readonly bundleOf: (table: Parameter) => string = ({ name }) => name,
  ) {}

  /** Makes `build` see this as the current build. */
  run<T>(build: () => T): T {
    const outer = current;
    current = this;
    try {
      return build();
    } finally {
      current = outer;
    }
  }

  declare(parameter: Parameter, shared: boolean): void {
    const known = this.parameters.get(parameter.name);
    if (known !== undefined && !sameShape(known.shape, parameter.shape)) {
      throw new TwoTowerError(
        'GRAPH_PARAMETER',
        `parameter ${parameter.name} is wanted as ${formatShape(parameter.shape)} and as ${formatShape(known.shape)}`,
        'give the two uses different names, or the same sizes',
      );
    }
    if (!shared && this.owned.has(parameter.name)) {
      throw new TwoTowerError(
        'GRAPH_PARAMETER',
        `parameter ${parameter.name} is made twice`,
        'put one of the layers into a scope of its own, or use shared() to share it on purpose',
      );
    }
    if (!shared) this.owned.add(parameter.name);
    if (known === undefined) this.parameters.set(parameter.name, parameter);
  }
}

let current: Build | undefined;
let sharing = false;

export function currentBuild(): Build {
  if (current === undefined) throw new TwoTowerError('GRAPH_PARAMETER', 'parameters exist only inside Build.run()');
  return current;
}

/** Whether the graph under construction is for training (dropout, batch statistics) or for serving. */
export function isTraining(): boolean {
  return currentBuild().training;
}

/** Layers made inside carry the name `shared/NAME` wherever they are used, and using them again means the same weights. */
export function shared<T>(name: string, build: () => T): T {
  return borrowed(`shared/${name}`, build);
}

/** Layers made inside are those of another scope, by their own names: `item/attention` in the user part means the item's weights. */
export function borrowed<T>(scope: string, build: () => T): T {
  return atRoot(() =>
    inScope(scope, () => {
      const outer = sharing;
      sharing = true;
      try {
        return build();
      } finally {
        sharing = outer;
      }
    }),
  );
}

export const parameterOp: Op = {
  name: 'parameter',
  infer: (_, { shape }) => ({ shape, dtype: 'float32' }),
  lower: (emit, node) => emit.input({ name: node.attributes.name, dtype: 'float32', shape: node.shape }),
  flops: () => 0,
};

function declared(
  name: string,
  kind: ParameterKind,
  shape: readonly number[],
  initialize: Initializer,
  decay: boolean,
) {
  const scope = currentScope();
  const path = scope === '' ? name : `${scope}/${name}`;
  currentBuild().declare({ name: path, kind, shape, initialize, decay }, sharing || kind === 'table');
  return apply(parameterOp, [], { name: path, shape });
}

/** A trained parameter at `scope/name`. Weight decay applies to matrices unless told otherwise. */
export function parameter(
  name: string,
  shape: readonly number[],
  initialize: Initializer,
  { decay = shape.length > 1 }: { decay?: boolean } = {},
): Tensor {
  return declared(name, 'dense', shape, initialize, decay);
}

/** A value that training updates but does not differentiate; `update` says what it becomes after the step. */
export function state(name: string, shape: readonly number[], initialize: Initializer): Tensor {
  return declared(name, 'state', shape, initialize, false);
}

export function updateState(tensor: Tensor, value: Tensor): void {
  currentBuild().updates.set(tensor.attributes.name, value);
}

/** The feed with the row numbers of a bundle that a training batch touches, each once. */
export const touchedRows = (bundle: string): string => `${bundle}#touched`;

/** The feed with the positions of all lookups of a bundle, one after the other: [N:BUNDLE]. */
export const allPositions = (bundle: string): string => `${bundle}#positions`;

/**
 * The touched rows, [U:BUNDLE, width], gathered from the host's array: of the tables themselves, or of an array beside them
 * with as many rows (`source`), such as an optimizer's moments.
 */
export const tableRowsOp: Op = {
  name: 'tableRows',
  infer: (_, { table, width }) => ({ shape: [`U:${table}`, width], dtype: 'float32' }),
  lower(emit, node) {
    const { table, source, width } = node.attributes;
    const whole = emit.input({ name: source, dtype: 'float32', shape: [`V:${table}`, width] });
    const touched = emit.input({ name: touchedRows(table), dtype: 'int32', shape: [`U:${table}`] });
    return emit.node('Gather', [whole, touched], { axis: 0 });
  },
  flops: () => 0,
};

export const tableRows = (table: string, width: number, source = table): Tensor =>
  apply(tableRowsOp, [], { table, source, width });

/**
 * Rows of the embedding table `tables/NAME`, which is made on first use and shared by name.
 * @param ids int32 row numbers, fed directly: [...]. Result: [..., width].
 * @param at the positions that are wanted, where ids are those of lists [..., L, …]: the result is [E, …, width]
 */
export function lookup(
  name: string,
  rows: number,
  width: number,
  ids: Tensor,
  initialize: Initializer,
  at?: Used,
): Tensor {
  const table = declareTable(name, rows, width, initialize);
  const path: string = table.attributes.name;
  if (!currentBuild().training) return gather(table, at === undefined ? ids : takeUsed(ids, at));
  const source = planSource(ids);
  if (source === undefined) {
    throw new TwoTowerError(
      'GRAPH_PARAMETER',
      `${currentScope()}: ${path} is looked up by computed ids`,
      'feed the ids',
    );
  }
  const { name: fed, shape } = source.attributes;
  if (at === undefined)
    return reshape(foundRows(path, width, { name: fed, ids: fed, shape }), [...ids.shape, width], ids);
  const lengths = at.length?.op === inputOp ? (at.length.attributes.name as string) : undefined;
  if (source !== ids || lengths === undefined) return takeUsed(lookup(name, rows, width, ids, initialize), at);
  const own = [at.places.shape[0]!, ...shape.slice(at.mask.shape.length)];
  return foundRows(path, width, { name: `${fed} of ${lengths}`, ids: fed, shape: own, lengths });
}

/** The whole embedding table `tables/NAME`, for small ones: [rows, width]. Every batch touches, and trains, all of its rows. */
export function wholeTable(name: string, rows: number, width: number, initialize: Initializer): Tensor {
  const table = declareTable(name, rows, width, initialize);
  return currentBuild().training
    ? foundRows(table.attributes.name, width, { name: 'all', ids: rows, shape: [rows] })
    : table;
}

function declareTable(name: string, rows: number, width: number, initialize: Initializer): Tensor {
  return atRoot(() => inScope('tables', () => declared(name, 'table', [rows, width], initialize, true)));
}

/** What one lookup finds among the touched rows, [...shape, width]; the same lookup again is the same tensor. */
function foundRows(
  path: string,
  width: number,
  { name, shape, ...from }: Pick<Lookup, 'ids' | 'lengths'> & { name: string; shape: Shape },
): Tensor {
  const build = currentBuild();
  const bundle = build.bundleOf(build.parameters.get(path)!);
  const positions = `${path}@${name}`;
  const known = build.lookups.findIndex((other) => other.positions === positions);
  if (known >= 0) return build.found[known]!;
  const found = gather(tableRows(bundle, width), input(positions, shape, 'int32'));
  build.lookups.push({ table: path, bundle, positions, ...from });
  build.found.push(found);
  return found;
}
