import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { readDatasetConfig } from '../data/config.js';
import { packagePath } from '../package-root.js';
import { cellsOf } from './compare.js';
import { readLeaderboard } from './config.js';
import { JSON_SCHEMAS } from './json-schema.js';
import { cutOffs, findProtocol, PROTOCOLS } from './protocols.js';
import { toyLeaderboard } from './testing/toy.js';

let toy: Awaited<ReturnType<typeof toyLeaderboard>>;
beforeAll(async () => {
  toy = await toyLeaderboard();
});
afterAll(() => toy.remove());

describe('readLeaderboard', () => {
  it('puts every model under the protocol and leaves the rest to its configuration', async () => {
    const { tables, title } = readLeaderboard(await toy.write());
    const [{ models, baseline, seeds, protocol }] = tables as [(typeof tables)[number]];
    expect({ title, baseline, seeds }).toEqual({ title: 'board', baseline: 'small', seeds: [1, 2] });
    const wide = models.get('wide')!;
    expect(wide.data.dataset).toBe(join(toy.folder, 'data/dataset.yaml'));
    expect(wide.evaluation.ks).toEqual([5]);
    expect(wide.training.validation).toMatchObject({ metric: 'auc', patience: 5 });
    expect([wide.model.width, models.get('small')!.model.width, wide.model.embedding]).toEqual([8, 4, 4]);
    expect(cutOffs(protocol)).toEqual([5]);
  });

  it('plans a cell for every model and seed, each in a folder of its own', async () => {
    const [table] = readLeaderboard(await toy.write()).tables;
    const cells = cellsOf(table!, 'out');
    expect(cells.map(({ folder, config }) => [folder, config.training.seed])).toEqual([
      [join('out', 'cells', 'toy', 'click', 'small', 'seed-1'), 1],
      [join('out', 'cells', 'toy', 'click', 'wide', 'seed-1'), 1],
      [join('out', 'cells', 'toy', 'click', 'small', 'seed-2'), 2],
      [join('out', 'cells', 'toy', 'click', 'wide', 'seed-2'), 2],
    ]);
  });

  it('trains as many at a time as there are cores, the file or the caller says, and divides the cores', async () => {
    const shares = async (keys: Record<string, unknown>, set?: { parallel: number }) => {
      const { parallel, tables } = readLeaderboard(await toy.write({ threads: 0, ...keys }), set);
      return [parallel, tables[0]!.models.get('wide')!.threads];
    };
    vi.stubEnv('TWOTOWER_THREADS', '8');
    try {
      // Two models with two seeds.
      expect(await shares({})).toEqual([4, 2]);
      expect(await shares({ parallel: 2 })).toEqual([2, 4]);
      expect(await shares({ parallel: 2, threads: 1 }, { parallel: 1 })).toEqual([1, 1]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('refuses what would only fail after training', async () => {
    const refused = async (keys: object, tableKeys: object = {}) => {
      const file = await toy.write(keys as Record<string, unknown>, tableKeys as Record<string, unknown>);
      return () => readLeaderboard(file);
    };
    expect(await refused({}, { baseline: 'smal' })).toThrow('did you mean "small"?');
    expect(await refused({}, { protocol: 'kuairand-pure/clik' })).toThrow('did you mean "kuairand-pure/click"?');
    expect(await refused({}, { protocol: { ...toy.protocol, metrics: ['accuracy'] } })).toThrow(
      '"accuracy" is no metric of a table',
    );
    expect(await refused({}, { protocol: { ...toy.protocol, name: '../click' } })).toThrow('a name is letters');
    expect(await refused({}, { models: {} })).toThrow('name at least one model');
    expect(await refused({ level: 0.01, resamples: 200 })).toThrow('Draw more than 200 times');
    expect(await refused({ level: 0.01, resamples: 201 })).not.toThrow();
    expect(await refused({ sedes: [1] })).toThrow('unknown key "sedes", did you mean "seeds"?');
    const tables = [0, 1].map(() => ({ protocol: toy.protocol, models: { small: 'small.yaml' } }));
    expect(await refused({ tables })).toThrow('two tables have the protocol "toy/click"');
  });
});

describe('the named protocols', () => {
  it.each(PROTOCOLS.map((protocol) => [protocol.name, protocol] as const))(
    '%s names a log and a feedback of it',
    (_, protocol) => {
      const dataset = readDatasetConfig(packagePath('datasets', `${protocol.dataset}.yaml`));
      const feedback = dataset.feedback.map((one) => (typeof one === 'string' ? one : one.name));
      expect(feedback).toContain(protocol.label);
      expect(findProtocol(protocol.name)).toBe(protocol);
      // A checkpoint is chosen by something the table is about.
      expect(protocol.metrics.map((metric) => metric.includes('@'))).toContain(protocol.validation.includes('@'));
    },
  );

  it.each(readdirSync(packagePath('leaderboards')))('the shipped leaderboard %s is valid', (name) => {
    for (const { models, protocol } of readLeaderboard(packagePath('leaderboards', name)).tables) {
      expect(models.size).toBeGreaterThan(1);
      expect(PROTOCOLS).toContain(protocol);
    }
  });
});

test('schemas/leaderboard.schema.json is what the code says: npm run build', async () => {
  const written = await readFile(packagePath('schemas', 'leaderboard.schema.json'), 'utf8');
  expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(JSON_SCHEMAS.leaderboard())));
});

test('docs/leaderboard.md names every key and every protocol', async () => {
  const page = await readFile(packagePath('docs', 'leaderboard.md'), 'utf8');
  type Node = { properties?: Record<string, Node>; items?: Node; anyOf?: Node[]; additionalProperties?: Node };
  const keys = new Set<string>();
  const visit = (node: Node | undefined): void => {
    if (typeof node !== 'object') return;
    for (const [key, child] of Object.entries(node.properties ?? {})) {
      keys.add(key);
      visit(child);
    }
    for (const child of [node.items, node.additionalProperties, ...(node.anyOf ?? [])]) visit(child);
  };
  visit(JSON_SCHEMAS.leaderboard() as Node);
  expect(keys.size).toBeGreaterThan(12);
  expect([...keys].filter((key) => !new RegExp(`\\b${key}\\b`).test(page))).toEqual([]);
  expect(PROTOCOLS.filter(({ name }) => !page.includes(`\`${name}\``))).toEqual([]);
});
