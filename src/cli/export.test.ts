import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toyFolder } from '../runs/testing/toy.js';
import { twotower } from './testing/twotower.js';

let toy: Awaited<ReturnType<typeof toyFolder>>;
let run: string;

beforeAll(async () => {
  toy = await toyFolder();
  run = join(toy.folder, 'run');
  await twotower('train', toy.config, '--out', run, '--set', 'training.epochs=1');
}, 60_000);
afterAll(() => toy.remove());

test('--to parquet writes the items beside the model', async () => {
  const out = join(toy.folder, 'items');
  const { code, stdout } = await twotower('export', run, '--to', 'parquet', '--out', out);
  expect(code).toBe(0);
  expect(stdout).toMatch(/items\.parquet: 40 items/);
  expect(stdout).toMatch(/vector +float32 +\[5\]/);
  expect(existsSync(join(out, 'items.parquet')) && existsSync(join(out, 'model/user.onnx'))).toBe(true);
});

test('--to vespa writes an application, a feed and a query', async () => {
  const out = join(toy.folder, 'vespa');
  const { stdout } = await twotower(
    'export',
    run,
    '--to',
    'vespa',
    '--out',
    out,
    '--keep',
    '30',
    '--rerank',
    '10',
    '--json',
  );
  expect(JSON.parse(stdout)).toMatchObject({
    documents: 40,
    keep: 30,
    rerank: 10,
    inputs: [{ name: 'user_vector' }, {}],
  });
  expect(existsSync(join(out, 'application/schemas/item.sd'))).toBe(true);
  const text = (await twotower('export', run, '--to', 'vespa', '--out', join(toy.folder, 'again'))).stdout;
  expect(text).toContain('tensor<float>(d1[5])');
  expect(text).toContain('experimental');
});

test.each([
  [['--to', 'pinecone'], 'there is no such format'],
  [['--keep', '5'], '--keep means nothing with --to onnx'],
  [['--data', 'x'], '--data means nothing with --to onnx'],
  [['--to', 'parquet', '--second', 'x'], '--second means nothing with --to parquet'],
  [['--to', 'vespa', '--keep', '5', '--rerank', '6'], 'cannot score 6 documents'],
])('%s is one clear error', async (args, message) => {
  const out = join(toy.folder, 'none');
  const { code, stderr } = await twotower('export', run, '--out', out, ...args);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(existsSync(out)).toBe(false);
});
