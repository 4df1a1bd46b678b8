import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testing/folder.js';
import { readPairs, readRecords } from './records.js';

async function file(name: string, text: string): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, text);
  return path;
}

test.each([
  ['a.jsonl', '{"id": 7, "tags": ["x"]}\n\n{"id": "007"}\n', [{ id: 7, tags: ['x'] }, { id: '007' }]],
  ['a.json', '[{"id": 1}]', [{ id: 1 }]],
  ['a.json', '{"id": 1}', [{ id: 1 }]],
  ['a.json', '\uFEFF{"id": 1}', [{ id: 1 }]],
  ['a.jsonl', '\uFEFF{"id": 1}\r\n{"id": 2}\r\n', [{ id: 1 }, { id: 2 }]],
  [
    'a.csv',
    'id,name\n007,"a ""b"", c"\n8,\n',
    [
      { id: '007', name: 'a "b", c' },
      { id: '8', name: null },
    ],
  ],
  ['a.tsv', 'id\tname\n1\ta,b\n', [{ id: '1', name: 'a,b' }]],
  ['a.csv', 'histories\n"{""clicks"": [{""item"": 3}]}"\n', [{ histories: { clicks: [{ item: 3 }] } }]],
])('%s: %j', async (name, text, expected) => {
  expect(await readRecords(await file(name, text))).toEqual(expected);
});

test.each([
  ['a.jsonl', '{"id": 1}\n{"id":\n', 'DATA_VALUE', 'a.jsonl:2: '],
  ['a.jsonl', '{"id": 1}\n3\n', 'DATA_VALUE', 'row 2 is 3'],
  ['a.json', '[]', 'DATA_VALUE', 'has no rows'],
  ['a.csv', 'id,name\n', 'DATA_VALUE', 'has no rows'],
  ['a.csv', 'id,name\n1,2\n1,2,3\n', 'DATA_VALUE', 'a.csv:3: 3 values where 2 columns'],
  ['a.xml', '<a/>', 'DATA_SOURCE', '".xml" is no known format'],
  ['a.csv', 'histories\nnone\n', 'DATA_VALUE', 'column "histories"'],
])('%s: %j is refused', async (name, text, code, message) => {
  await expect(readRecords(await file(name, text))).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message),
  });
});

test('a missing file is named', async () => {
  await expect(readRecords('nowhere.csv')).rejects.toThrow('nowhere.csv: there is no such file');
  const folder = await temporaryFolder();
  await expect(readRecords(folder)).rejects.toThrow(`${folder}: it is a folder`);
});

test('a text in another encoding is refused', async () => {
  const path = join(await temporaryFolder(), 'a.csv');
  await writeFile(path, Buffer.from('id,name\n1,café\n', 'latin1'));
  await expect(readRecords(path)).rejects.toThrow('a.csv: it is no UTF-8 text\n  Save it as UTF-8.');
});

test('pairs are two positions', async () => {
  expect(await readPairs(await file('p.csv', 'user,item\n0,3\n'))).toEqual([{ user: 0, item: 3 }]);
  await expect(readPairs(await file('p.csv', 'user,item\n0,\n'))).rejects.toThrow('row 1 has user 0 and item null');
  await expect(readPairs(await file('p.csv', 'user,item\nx,1\n'))).rejects.toMatchObject({ code: 'DATA_VALUE' });
});
