import { cp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../testing/folder.js';
import { bestStep, listCheckpoints, markBest } from '../training/checkpoints.js';
import { openRun } from './open.js';
import { predict } from './predict.js';
import { readConfig } from './read-config.js';
import { toyFolder } from './testing/toy.js';
import { trainRun } from './train.js';

let toy: Awaited<ReturnType<typeof toyFolder>>;

beforeAll(async () => {
  toy = await toyFolder();
  const { folder } = await trainRun(readConfig(toy.config), { out: join(toy.folder, 'run') });
  // The last checkpoint is not the best one here, so that there is another to fall back on.
  const [first] = await listCheckpoints(join(folder, 'checkpoints'));
  await markBest(join(folder, 'checkpoints'), first!);
});
afterAll(() => toy.remove());

async function copyOfRun(): Promise<string> {
  const folder = join(await temporaryFolder(), 'run');
  await cp(join(toy.folder, 'run'), folder, { recursive: true });
  return folder;
}

async function openWithWarnings(folder: string) {
  const warnings: string[] = [];
  const run = await openRun(folder, { warn: (message) => warnings.push(message) });
  const { logits } = await predict(run, { users: [{ user_id: 1 }], items: [{ item_id: 2 }] });
  await run.release();
  return { step: run.step, warnings, logit: logits[0]! };
}

test('the folder works wherever it is copied to, without its data', async () => {
  const folder = await copyOfRun();
  const original = await openWithWarnings(join(toy.folder, 'run'));
  const config = join(folder, 'config.yaml');
  await writeFile(config, (await readFile(config, 'utf8')).replace(toy.folder, '/nowhere'));
  expect(await openWithWarnings(folder)).toEqual(original);
  expect(original.warnings).toEqual([]);
});

test('a damaged best checkpoint is passed over for the newest intact one, and named', async () => {
  const folder = await copyOfRun();
  const checkpoints = join(folder, 'checkpoints');
  const best = (await bestStep(checkpoints))!;
  const newest = (await listCheckpoints(checkpoints)).at(-1)!;
  const file = join(checkpoints, `step-${String(best).padStart(8, '0')}`, 'tensors.safetensors');
  const bytes = await readFile(file);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(file, bytes);
  const { step, warnings } = await openWithWarnings(folder);
  expect(step).toBe(newest);
  expect(warnings).toEqual([
    expect.stringContaining(file),
    `the best checkpoint is not usable: using that of step ${newest}`,
  ]);
});

test('without best.json the newest checkpoint is used', async () => {
  const folder = await copyOfRun();
  await rm(join(folder, 'checkpoints/best.json'));
  expect((await openWithWarnings(folder)).warnings).toEqual([expect.stringContaining('no checkpoint was chosen')]);
});

test.each([
  ['checkpoints', 'RUN_INVALID', 'no checkpoint'],
  ['run.json', 'RUN_INVALID', 'is not a run folder'],
  ['encoders.json', 'RUN_INVALID', 'encoders.json cannot be read'],
])('without %s: %s', async (name, code, message) => {
  const folder = await copyOfRun();
  await rm(join(folder, name), { recursive: true });
  await expect(openRun(folder)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
});

test.each([
  ['run.json', '{}', 'dataset is not what training wrote'],
  ['run.json', '[]', 'it is not what training wrote'],
  ['schema.json', '{"user": []}', 'context is not what training wrote'],
  ['encoders.json', '{"fields": [{"name": "x"}], "vocabularies": {}}', 'fields.0.owner is not what training wrote'],
  ['encoders.json', '', 'it is not JSON'],
])('%s that holds %s is damaged', async (name, text, how) => {
  const folder = await copyOfRun();
  await writeFile(join(folder, name), text);
  const message = `${join(folder, name)} is damaged: ${how}\n  Train again, or copy the folder anew.`;
  await expect(openRun(folder)).rejects.toMatchObject({ code: 'RUN_INVALID', message });
});

test('a configuration that was cut short is damaged, also where what is left is YAML', async () => {
  const folder = await copyOfRun();
  const file = join(folder, 'config.yaml');
  const text = await readFile(file, 'utf8');
  for (const end of [0, text.indexOf('training:'), text.indexOf('evaluation:'), text.length - 2]) {
    await writeFile(file, text.slice(0, end));
    await expect(openRun(folder), `cut at ${end}`).rejects.toThrow(
      'config.yaml is damaged: it ends before its last key',
    );
  }
});

test('a truncated schema is named', async () => {
  const folder = await copyOfRun();
  await truncate(join(folder, 'schema.json'), 20);
  await expect(openRun(folder)).rejects.toThrow(/schema\.json is damaged/);
});
