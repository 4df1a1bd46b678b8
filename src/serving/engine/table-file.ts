import { TwoTowerError } from '../../errors.js';
import { readSafetensors, type StoredTensor, type TensorData, writeSafetensors } from '../../training/safetensors.js';
import type { PackedTable } from './raw-table.js';

/** Stands in the metadata for an array, which is the tensor of that name. */
interface Stored {
  tensor: string;
}

/**
 * Writes a table as it lies in memory, so that whoever reads it has nothing to parse: a safetensors file whose tensors are its
 * arrays, and the rest of it, as JSON, the metadata `table`. Where keys hash to is part of the file.
 */
export async function writeTable(file: string, table: PackedTable): Promise<void> {
  const tensors = new Map<string, StoredTensor>();
  const rest = withoutArrays(table, '', tensors);
  await writeSafetensors(file, tensors, { table: JSON.stringify(rest) });
}

/** Reads what `writeTable` wrote, into memory that all threads see. @throws SERVING_STORE when it is no such file */
export async function readTable(file: string): Promise<PackedTable> {
  const { tensors, metadata } = await readSafetensors(file, { shared: true });
  const noTable = (why: string) =>
    new TwoTowerError('SERVING_STORE', `${file} holds no table: ${why}`, 'Publish again.');
  if (metadata.table === undefined) throw noTable('it does not say what its tensors are');
  return JSON.parse(metadata.table, (_, value: unknown) => {
    if (!isStored(value)) return value;
    const found = tensors.get(value.tensor);
    if (found === undefined) throw noTable(`the tensor "${value.tensor}" is missing`);
    return found.data;
  }) as PackedTable;
}

function withoutArrays(value: unknown, path: string, tensors: Map<string, StoredTensor>): unknown {
  if (ArrayBuffer.isView(value)) {
    const data = value as TensorData;
    tensors.set(path, { data, shape: [data.length] });
    return { tensor: path } satisfies Stored;
  }
  if (Array.isArray(value)) return value.map((part, i) => withoutArrays(part, join(path, i), tensors));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, withoutArrays(part, join(path, key), tensors)]),
  );
}

const join = (path: string, key: string | number) => (path === '' ? `${key}` : `${path}.${key}`);

function isStored(value: unknown): value is Stored {
  return typeof value === 'object' && value !== null && 'tensor' in value;
}
