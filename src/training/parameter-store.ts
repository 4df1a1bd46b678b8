import type { Parameter } from '../graph/index.js';
import { Random } from '../random.js';
import type { Optimizer } from './optimizers.js';

/** Where a parameter lies in the long vector of its kind. */
interface Place {
  offset: number;
  size: number;
}

/**
 * One long vector that exists twice: the training step reads one copy and writes the other, then they change places. The
 * vector holds every dense parameter (or every running statistic) back to back.
 */
export class DoubleBuffer {
  private buffers: [Float32Array, Float32Array];

  constructor(length: number, value = 0) {
    this.buffers = [new Float32Array(length).fill(value), new Float32Array(length).fill(value)];
  }

  get current(): Float32Array {
    return this.buffers[0];
  }

  get next(): Float32Array {
    return this.buffers[1];
  }

  swap(): void {
    this.buffers = [this.buffers[1], this.buffers[0]];
  }
}

/** An embedding table, or several of one width below each other. */
export interface Table {
  rows: number;
  width: number;
  values: Float32Array;
  /** One array per optimizer slot, as large as the values. */
  slots: Float32Array[];
}

/** Tables in one array: row r of table t is row `offsets.get(t) + r` of the bundle. */
export interface Bundle extends Table {
  offsets: ReadonlyMap<string, number>;
}

/** All values a model learns, with what the optimizer remembers, on the host. */
export class ParameterStore {
  readonly dense: DoubleBuffer;
  readonly denseSlots: DoubleBuffer[];
  readonly states: DoubleBuffer;
  /** Tables by their own names: views of their bundles. */
  readonly tables = new Map<string, Table>();
  readonly bundles: ReadonlyMap<string, Bundle>;
  private readonly places = new Map<string, Place & { buffer: 'dense' | 'states' }>();
  private readonly sizes = { dense: 0, states: 0 };

  constructor(
    readonly parameters: readonly Parameter[],
    readonly optimizer: Optimizer,
    seed: number,
    bundleOf: (table: Parameter) => string = ({ name }) => name,
  ) {
    for (const parameter of parameters) {
      if (parameter.kind === 'table') continue;
      const buffer = parameter.kind === 'dense' ? 'dense' : 'states';
      const size = parameter.shape.reduce((a, b) => a * b, 1);
      this.places.set(parameter.name, { buffer, offset: this.sizes[buffer], size });
      this.sizes[buffer] += size;
    }
    this.dense = new DoubleBuffer(this.sizes.dense);
    this.denseSlots = optimizer.slots.map(() => new DoubleBuffer(this.sizes.dense, optimizer.initial));
    this.states = new DoubleBuffer(this.sizes.states);
    this.bundles = bundled(parameters, optimizer, bundleOf);
    for (const { width, values, slots, offsets } of this.bundles.values()) {
      for (const [name, offset] of offsets) {
        const rows = parameters.find((parameter) => parameter.name === name)!.shape[0]!;
        const view = (array: Float32Array) => array.subarray(offset * width, (offset + rows) * width);
        this.tables.set(name, { rows, width, values: view(values), slots: slots.map(view) });
      }
    }
    for (const parameter of parameters) {
      // Each parameter draws from a stream of its own, so that adding a layer leaves the others' first values alone.
      const values = parameter.initialize(parameter.shape, Random.of(seed, 'initialize', parameter.name));
      this.values(parameter.name).set(values);
    }
  }

  get denseSize(): number {
    return this.sizes.dense;
  }

  get stateSize(): number {
    return this.sizes.states;
  }

  /** Where a dense parameter or running statistic starts in its vector. */
  offset(name: string): number {
    return this.place(name).offset;
  }

  /** The current values of a parameter: a view that the next step invalidates, except for tables. */
  values(name: string): Float32Array {
    const table = this.tables.get(name);
    if (table !== undefined) return table.values;
    const { buffer, offset, size } = this.place(name);
    return this[buffer].current.subarray(offset, offset + size);
  }

  /** Every array by its name in a checkpoint, values and optimizer memory alike; views, to be read or filled at once. */
  arrays(): Map<string, { shape: number[]; data: Float32Array }> {
    const result = new Map<string, { shape: number[]; data: Float32Array }>();
    for (const { name, shape } of this.parameters) result.set(name, { shape: [...shape], data: this.values(name) });
    this.optimizer.slots.forEach((slot, i) => {
      const vector = this.denseSlots[i]!.current;
      result.set(`optimizer.${slot}`, { shape: [vector.length], data: vector });
      for (const [name, table] of this.tables) {
        result.set(`optimizer.${slot}.${name}`, { shape: [table.rows, table.width], data: table.slots[i]! });
      }
    });
    return result;
  }

  private place(name: string): Place & { buffer: 'dense' | 'states' } {
    const place = this.places.get(name);
    if (place === undefined) throw new RangeError(`no parameter ${name}`);
    return place;
  }
}

/** Where each table begins in its bundle. */
export function bundleLayouts(
  parameters: readonly Parameter[],
  bundleOf: (table: Parameter) => string,
): Map<string, Pick<Bundle, 'rows' | 'width' | 'offsets'>> {
  const layouts = new Map<string, { rows: number; width: number; offsets: Map<string, number> }>();
  for (const parameter of parameters) {
    if (parameter.kind !== 'table') continue;
    const [rows, width] = parameter.shape as [number, number];
    const name = bundleOf(parameter);
    const layout = layouts.get(name) ?? { rows: 0, width, offsets: new Map() };
    if (layout.width !== width)
      throw new RangeError(`${parameter.name} is ${width} wide, bundle ${name} ${layout.width}`);
    layout.offsets.set(parameter.name, layout.rows);
    layout.rows += rows;
    layouts.set(name, layout);
  }
  return layouts;
}

function bundled(
  parameters: readonly Parameter[],
  optimizer: Optimizer,
  bundleOf: (table: Parameter) => string,
): Map<string, Bundle> {
  return new Map(
    [...bundleLayouts(parameters, bundleOf)].map(([name, layout]) => {
      const size = layout.rows * layout.width;
      const slots = optimizer.slots.map(() => new Float32Array(size).fill(optimizer.initial));
      return [name, { ...layout, values: new Float32Array(size), slots }];
    }),
  );
}
