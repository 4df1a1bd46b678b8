import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../testing/folder.js';
import { writeSafetensors } from '../../training/safetensors.js';
import type { RawColumn } from './packed-column.js';
import { packTable, RawTable } from './raw-table.js';
import { readTable, writeTable } from './table-file.js';

const text = fc.option(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('{"tensor":"keys"}', '\0', '\ud800')));
const columnOf = (rows: number): fc.Arbitrary<RawColumn> => {
  const exactly = { minLength: rows, maxLength: rows };
  return fc.oneof(
    fc.float64Array(exactly),
    fc.array(text, exactly),
    fc.array(fc.option(fc.array(text, { maxLength: 3 })), exactly),
  );
};
const tables = fc
  .uniqueArray(fc.oneof(fc.string(), fc.integer().map(String), fc.constantFrom('__proto__', '007')), { maxLength: 8 })
  .chain((keys) =>
    fc.tuple(
      fc.constant(['', ...keys.filter((key) => key !== '')]),
      fc.array(fc.tuple(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'a.b')), columnOf(keys.length + 1)), {
        maxLength: 4,
      }),
    ),
  );

test('what is written is read back, in memory that all threads see', async () => {
  const file = join(await temporaryFolder(), 'items.safetensors');
  await fc.assert(
    fc.asyncProperty(tables, async ([keys, columns]) => {
      const packed = packTable(keys, new Map(columns));
      await writeTable(file, packed);
      const read = await readTable(file);
      expect(read).toEqual(packed);
      const [found, wanted] = [new RawTable(read), new RawTable(packed)];
      for (const [row, key] of keys.entries()) {
        if (row === 0) continue;
        expect([found.rowOf(key), found.keyOf(row)]).toEqual([wanted.rowOf(key), wanted.keyOf(row)]);
        expect(found.values(row)).toEqual(wanted.values(row));
      }
      expect(read.byNumber.buffer).toBeInstanceOf(SharedArrayBuffer);
      expect(read.keys.texts.units.buffer).toBeInstanceOf(SharedArrayBuffer);
    }),
    { numRuns: 100 },
  );
});

test('a file of other tensors is no table', async () => {
  const file = join(await temporaryFolder(), 'items.safetensors');
  await writeSafetensors(file, [['item.vector', { data: Float32Array.of(1), shape: [1, 1] }]]);
  await expect(readTable(file)).rejects.toThrow(`${file} holds no table: it does not say what its tensors are`);
  await writeSafetensors(file, [], { table: '{"byNumber":{"tensor":"byNumber"}}' });
  await expect(readTable(file)).rejects.toThrow(`${file} holds no table: the tensor "byNumber" is missing`);
});
