import { TwoTowerError } from '../../../errors.js';

/** A tensor of a model's state as it is known to Vespa. */
export interface StateTensor {
  /** Its name in the ONNX file: `item.vector`. */
  input: string;
  /** Its name in the schema: `item_vector`. */
  name: string;
  /** Which of the exported runs it is a state of: 0 or, for a run of the second phase alone, 1. */
  run: number;
  /** Item states are attributes of the documents, user states come with the query. */
  from: 'attribute' | 'query';
  dtype: 'float32' | 'int32';
  /** Of one item or user. */
  shape: number[];
}

/** An input of an ONNX file, as its manifest tells it. */
interface OnnxInput {
  name: string;
  dtype: string;
  shape: readonly (string | number)[];
}

/**
 * How one input of `score` is bound. The ONNX file has an axis of requests or candidates first; Vespa evaluates one document at
 * a time, so that this axis is 1 there.
 *
 * @param run 0 or 1; names of the second one begin with `second_`
 * @throws USAGE for a type that Vespa's ONNX evaluation does not take
 */
export function stateTensor({ name, dtype, shape }: OnnxInput, run: number): StateTensor {
  if (dtype !== 'float32' && dtype !== 'int32') {
    throw new TwoTowerError(
      'USAGE',
      `the score part reads ${name} as ${dtype}, which Vespa cannot feed to a model`,
      'Export it with --to parquet or --to onnx.',
    );
  }
  const own = shape.slice(1);
  if (!own.every((size) => typeof size === 'number') || own.length > 8) {
    throw new TwoTowerError('USAGE', `${name} has the shape [${shape.join(', ')}]`, 'Export it with --to parquet.');
  }
  const from = name.startsWith('item.') ? 'attribute' : 'query';
  return { input: name, name: `${run === 0 ? '' : 'second_'}${identifierOf(name)}`, run, from, dtype, shape: own };
}

/** Names of a schema are letters, digits and underscores. */
export function identifierOf(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_]/g, '_');
}

/**
 * The type of the field or query input. Vespa orders dimensions by name and wants those of ONNX inputs called d0, d1, …; d0 is
 * left to the axis that {@link batched} adds, because an index of vectors takes a single dimension.
 */
export function tensorType({ dtype, shape }: StateTensor): string {
  // What Vespa makes of int32 outputs is double, too; float would round above 2^24.
  const cell = dtype === 'int32' ? 'double' : 'float';
  const dimensions = shape.length === 0 ? ['d0[1]'] : shape.map((size, i) => `d${i + 1}[${size}]`);
  return `tensor<${cell}>(${dimensions.join(',')})`;
}

/** The rank feature that reads the tensor. */
export function feature({ from, name }: StateTensor): string {
  return `${from}(${name})`;
}

/** The function that gives the tensor its first axis, where it has to be added. */
export function batched(tensor: StateTensor): { name: string; expression: string } | undefined {
  if (tensor.shape.length === 0) return undefined;
  return { name: `${tensor.name}_batch`, expression: `${feature(tensor)} * tensor<float>(d0[1])(1.0)` };
}

/** What an ONNX input is bound to. */
export function source(tensor: StateTensor): string {
  return batched(tensor)?.name ?? feature(tensor);
}

/** The shortest decimal number that is the same float32. */
export function decimal(value: number): number {
  return Number(value.toPrecision(9));
}
