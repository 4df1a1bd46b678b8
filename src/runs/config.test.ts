import { readdirSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { datasetSchema } from '../data/config.js';
import { MODELS } from '../models/index.js';
import { packagePath } from '../package-root.js';
import { temporaryFolder } from '../testing/folder.js';
import { completeConfig, configSchema, parseConfig } from './config.js';
import { JSON_SCHEMAS } from './json-schema.js';
import { readConfig } from './read-config.js';

const minimal = 'data: kuairand-pure\nmodel: { name: dssm }\n';

test('defaults are filled in, those of the model and of the losses too, and completing again changes nothing', () => {
  const config = parseConfig(minimal, 'a.yaml');
  expect(config.data).toEqual({ dataset: 'kuairand-pure', maxBadRows: 0 });
  expect(config.model).toMatchObject({ name: 'dssm', history: true });
  expect(config.training.objectives).toEqual([{ loss: 'bce', weight: 1 }]);
  expect(completeConfig(config)).toEqual(config);
});

test.each([
  ['training: { epohcs: 3 }', 'a.yaml:3: training.epohcs: unknown key "epohcs", did you mean "epochs"?'],
  ['treining: {}', 'a.yaml:3: treining: unknown key "treining", did you mean "training"?'],
  ['training: { epochs: many }', 'a.yaml:3: training.epochs: '],
  ['training: { optimizer: adam }', 'a.yaml:3: training.optimizer: an optimizer is an object with a name'],
  ['training: { optimizer: { name: adma } }', 'there is no optimizer "adma", did you mean "adam"?'],
  ['training: { optimizer: { name: adam, beta: 1 } }', 'unknown key "beta", did you mean "beta1"?'],
  ['training: { objectives: [{ loss: bec }] }', 'there is no loss "bec", did you mean "bce"?'],
  ['training: { objectives: [{ loss: bce, weigth: 2 }] }', 'unknown key "weigth", did you mean "weight"?'],
  [
    'training: { validation: { metric: recall@7 } }',
    'a.yaml:3: training.validation.metric: there is no metric "recall@7" to choose by, did you mean "recall@20"?',
  ],
])('%s', (line, message) => {
  expect(() => parseConfig(`${minimal}${line}\n`, 'a.yaml')).toThrow(message);
});

test.each([
  ['data: x\nmodel: { name: dsm }', 'a.yaml:2: model.name: there is no model "dsm", did you mean "dssm"?'],
  ['data: x\nmodel: { name: dssm, widht: 3 }', 'a.yaml:2: model.widht: unknown key "widht", did you mean "width"?'],
  ['data: x\nmodel: {}', `a model needs a name: ${MODELS.map(({ name }) => name).join(', ')}`],
  ['data: x\nmodel: dssm', 'a.yaml:2: model: write { name: dssm }'],
  ['model: { name: dssm }', 'a.yaml:1: data: it is missing'],
  ['data: x\nmodel: { name: dssm }\ntraining:', 'a.yaml:3: training: nothing stands here'],
])('%j', (text, message) => {
  expect(() => parseConfig(text, 'a.yaml')).toThrow(message);
});

describe('a file', () => {
  async function written(text = minimal): Promise<string> {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'data/shop.yaml'), '');
    await writeFile(join(folder, 'config.yaml'), text);
    return join(folder, 'config.yaml');
  }

  test('paths start from its folder, bundled names stay names', async () => {
    expect(readConfig(await written()).data.dataset).toBe('kuairand-pure');
    const file = await written('data: { dataset: data/shop.yaml, root: files }\nmodel: { name: dssm }');
    expect(readConfig(file).data).toMatchObject({
      dataset: file.replace('config.yaml', 'data/shop.yaml'),
      root: file.replace('config.yaml', 'files'),
    });
    const misspelled = await written(minimal.replace('pure', 'pur'));
    expect(() => readConfig(misspelled)).toThrow('did you mean "kuairand-pure"?');
  });

  test('assignments are read as YAML and reach any depth; their paths start from the working folder', async () => {
    const file = await written();
    const config = readConfig(file, [
      'training.epochs=2',
      'model.towers=[8, 4]',
      'training.objectives.0.loss=softmax',
      'data.root=files',
    ]);
    expect(config).toMatchObject({
      data: { dataset: 'kuairand-pure', root: join(process.cwd(), 'files') },
      model: { towers: [8, 4] },
      training: { epochs: 2, objectives: [{ loss: 'softmax', weight: 1 }] },
    });
  });

  test.each([
    [
      'training.epohcs=2',
      'config.yaml with --set training.epohcs=2: training.epohcs: unknown key "epohcs", did you mean "epochs"?',
    ],
    ['model.widht=2', 'model.widht: unknown key "widht", did you mean "width"?'],
    ['__proto__.polluted=1', 'unknown key "__proto__"'],
    ['training.epochs', 'write --set key.path=value'],
    ['=3', 'write --set key.path=value'],
    ['a=[1', 'write the value as YAML'],
  ])('--set %s is refused', async (assignment, message) => {
    const file = await written();
    expect(() => readConfig(file, [assignment])).toThrow(new RegExp(message.replace(/[.?[\]()*]/g, '\\$&'), 'i'));
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

test.each(readdirSync(packagePath('configs')))('the shipped configuration %s is valid', (name) => {
  expect(name.startsWith(`${readConfig(packagePath('configs', name)).model.name}-`)).toBe(true);
});

test.each(Object.entries(JSON_SCHEMAS))(
  'schemas/%s.schema.json is what the code says: npm run build',
  async (name, make) => {
    const written = await readFile(packagePath('schemas', `${name}.schema.json`), 'utf8');
    expect(JSON.parse(written)).toEqual(make());
  },
);

// The options of the other models stand on their own pages.
const DOCUMENTED = { training: configSchema(MODELS.filter(({ name }) => name === 'dssm')), dataset: datasetSchema };

test.each(Object.entries(DOCUMENTED))('docs/configuration.md names every key of a %s file', async (_, schema) => {
  const page = await readFile(packagePath('docs/configuration.md'), 'utf8');
  const keys = keysOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
  expect(keys.size).toBeGreaterThan(40);
  expect([...keys].filter((key) => !page.includes(`\`${key}\``))).toEqual([]);
});

test.each(Object.entries(DOCUMENTED))('an editor describes every key of a %s file', (_, schema) => {
  expect(undescribed(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))).toEqual([]);
});

/** Paths of the properties that say nothing of themselves; one that can only be a certain word needs no words. */
function undescribed(schema: unknown, path = ''): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => {
    if (key === 'default') return [];
    if (key !== 'properties') return undescribed(value, /^\d+$/.test(key) ? path : `${path}/${key}`);
    return Object.entries(value as Record<string, { description?: string; const?: unknown }>).flatMap(([name, one]) => [
      ...(one.description === undefined && one.const === undefined ? [`${path}/${name}`] : []),
      ...undescribed(one, `${path}/${name}`),
    ]);
  });
}

function keysOf(schema: unknown, keys = new Set<string>()): Set<string> {
  if (typeof schema !== 'object' || schema === null) return keys;
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'properties') for (const name of Object.keys(value as object)) keys.add(name);
    if (key !== 'default') keysOf(value, keys);
  }
  return keys;
}
