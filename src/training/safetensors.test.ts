import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TwoTowerError } from '../errors.js';
import { sha256 } from '../files.js';
import { temporaryFolder } from '../testing/folder.js';
import { readSafetensors, type StoredTensor, writeSafetensors } from './safetensors.js';

const shape = fc.array(fc.nat(4), { maxLength: 3 });
const tensor: fc.Arbitrary<StoredTensor> = shape.chain((dimensions) => {
  const length = dimensions.reduce((a, b) => a * b, 1);
  const exactly = { minLength: length, maxLength: length };
  return fc
    .oneof(
      fc.float32Array(exactly),
      fc.float64Array(exactly),
      fc.int32Array(exactly),
      fc.uint32Array(exactly),
      fc.uint16Array(exactly),
      fc.uint8Array(exactly),
    )
    .map((data) => ({ data, shape: dimensions }));
});
const named = fc.uniqueArray(
  fc.tuple(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('10', '2', '__proto__', 'user/mlp')), tensor),
  { selector: ([name]) => name, maxLength: 6 },
);

test('what is written is read back, bit for bit, whatever the order of writing', async () => {
  const path = join(await temporaryFolder(), 'a.safetensors');
  await fc.assert(
    fc.asyncProperty(named, fc.dictionary(fc.string(), fc.string()), async (tensors, metadata) => {
      const hash = await writeSafetensors(path, tensors, metadata);
      expect(hash).toBe(await sha256(path));
      const read = await readSafetensors(path);
      expect(new Map(read.tensors)).toEqual(new Map(tensors));
      for (const [name, { data }] of tensors) {
        const other = read.tensors.get(name)!.data;
        expect(Buffer.from(other.buffer).equals(Buffer.from(data.buffer, data.byteOffset, data.byteLength))).toBe(true);
      }
      expect({ ...read.metadata }).toEqual({ ...metadata });
      expect(await writeSafetensors(path, [...tensors].reverse(), metadata)).toBe(hash);
    }),
    { numRuns: 100 },
  );
});

test('the bytes are those of the format', async () => {
  const path = join(await temporaryFolder(), 'a.safetensors');
  // A view in the middle of a larger buffer.
  const b = new Float32Array([9, 1, -2, 9]).subarray(1, 3);
  const file = await (async () => {
    await writeSafetensors(path, [
      ['u', { data: Uint8Array.of(7), shape: [] }],
      ['b', { data: b, shape: [2, 1] }],
    ]);
    return readFile(path);
  })();
  const header =
    '{"b":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"u":{"dtype":"U8","shape":[],"data_offsets":[8,9]}}';
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
  expect(file.readBigUInt64LE(0)).toBe(BigInt(padded.length));
  expect(file.subarray(8, 8 + padded.length).toString()).toBe(padded);
  expect([...file.subarray(8 + padded.length)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 7]);
});

test('data larger than one chunk survives', async () => {
  const path = join(await temporaryFolder(), 'a.safetensors');
  const data = new Int32Array(9_000_001).map((_, i) => i);
  await writeSafetensors(path, [['table', { data, shape: [9_000_001] }]]);
  const read = (await readSafetensors(path)).tensors.get('table')!;
  expect(Buffer.compare(Buffer.from(read.data.buffer), Buffer.from(data.buffer))).toBe(0);
});

test('a shape that does not fit, a name twice and an array of another type are refused before anything is written', async () => {
  const path = join(await temporaryFolder(), 'a.safetensors');
  const ok: StoredTensor = { data: Float32Array.of(1, 2), shape: [2] };
  await expect(writeSafetensors(path, [['a', { ...ok, shape: [3] }]])).rejects.toThrow('shape [3] wants 3');
  await expect(writeSafetensors(path, [['a', ok], ['a', ok]])).rejects.toThrow('"a" is taken'); // biome-ignore format: one case a line
  const other = { data: new Int16Array(2) as unknown as Int32Array, shape: [2] };
  await expect(writeSafetensors(path, [['a', other]])).rejects.toThrow('Int16Array');
  await expect(readFile(path)).rejects.toThrow('ENOENT');
});

describe('a damaged file is refused by name', () => {
  const refused = async (path: string, content: Uint8Array, what: string | RegExp) => {
    await writeFile(path, content);
    const error = await readSafetensors(path).then(
      () => undefined,
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(TwoTowerError);
    expect(error.code).toBe('CHECKPOINT_DAMAGED');
    expect(error.message).toContain(path);
    expect(error.message).toMatch(what);
  };
  const file = (header: string | Uint8Array, data: number, claimed?: bigint) => {
    const text = Buffer.from(header);
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(claimed ?? BigInt(text.length));
    return Buffer.concat([prefix, text, Buffer.alloc(data)]);
  };
  const entry = (begin: unknown, end: unknown, more = '') =>
    `{"dtype":"U8","shape":[2],"data_offsets":[${begin},${end}]${more}}`;

  test.each<[string, Uint8Array, string | RegExp]>([
    ['empty', Buffer.alloc(0), '0 bytes'],
    ['header longer than the file', file('{}', 0, 3n), 'claims 3 bytes'],
    ['absurd header', file('{}', 0, 2n ** 64n - 1n), 'claims 18446744073709551615 bytes'],
    ['not JSON', file('{"a":', 0), 'not JSON'],
    ['not UTF-8', file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), 0), 'not JSON'],
    ['an array', file('[]', 0), 'not a JSON object'],
    ['space in front', file(' {}', 0), 'not a JSON object'],
    ['null entry', file('{"a":null}', 0), 'type undefined'],
    ['unknown type', file('{"a":{"dtype":"F8","shape":[],"data_offsets":[0,1]}}', 1), 'type "F8"'],
    [
      'type of Object.prototype',
      file('{"a":{"dtype":"toString","shape":[],"data_offsets":[0,1]}}', 1),
      'type "toString"',
    ],
    ['negative shape', file('{"a":{"dtype":"U8","shape":[-2],"data_offsets":[0,2]}}', 2), 'no usable shape'],
    ['overflowing shape', file('{"a":{"dtype":"U8","shape":[1e15,1e15],"data_offsets":[0,2]}}', 2), 'needs'],
    ['fractional offset', file(`{"a":${entry(0.5, 2.5)}}`, 2), 'no usable data_offsets'],
    ['offsets that disagree with the shape', file(`{"a":${entry(0, 3)}}`, 3), 'needs 2 bytes'],
    ['unknown key', file(`{"a":${entry(0, 2, ',"x":1')}}`, 2), 'unknown key "x"'],
    ['overlap', file(`{"a":${entry(0, 2)},"b":${entry(1, 3)}}`, 3), '"b" begins at 1 instead of 2'],
    ['one range twice', file(`{"a":${entry(0, 2)},"b":${entry(0, 2)}}`, 2), '"b" begins at 0 instead of 2'],
    ['hole', file(`{"a":${entry(0, 2)},"b":${entry(3, 5)}}`, 5), '"b" begins at 3 instead of 2'],
    ['surplus bytes', file(`{"a":${entry(0, 2)}}`, 3), 'the file has'],
    ['metadata that is no map of strings', file('{"__metadata__":{"a":1}}', 0), '__metadata__'],
  ])('%s', async (_, content, what) => {
    await refused(join(await temporaryFolder(), 'bad.safetensors'), content, what);
  });

  test('truncated at any byte', async () => {
    const path = join(await temporaryFolder(), 'cut.safetensors');
    await writeSafetensors(path, [['a', { data: Float32Array.of(1, 2, 3), shape: [3] }]], { k: 'v' });
    const whole = await readFile(path);
    for (let length = 0; length < whole.length; length++) await refused(path, whole.subarray(0, length), '');
  });

  test('a flipped header bit is refused as damaged, or is no worse than another valid file', async () => {
    const path = join(await temporaryFolder(), 'flip.safetensors');
    await writeSafetensors(path, [
      ['a', { data: Float32Array.of(1, 2, 3), shape: [3] }],
      ['b', { data: Int32Array.of(4), shape: [1, 1] }],
    ]);
    const whole = await readFile(path);
    const headerEnd = 8 + Number(whole.readBigUInt64LE());
    let refusals = 0;
    for (let bit = 0; bit < headerEnd * 8; bit++) {
      const flipped = Buffer.from(whole);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      await writeFile(path, flipped);
      const result = await readSafetensors(path).catch((error) => error);
      if (result instanceof TwoTowerError) refusals++;
      else expect(result.tensors.size).toBe(2);
    }
    // What passes: another name, another type of the same width, padding, digits without effect.
    expect(refusals).toBeGreaterThan(headerEnd * 8 * 0.8);
  });
});
