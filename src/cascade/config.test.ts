import { readFile } from 'node:fs/promises';
import { describe, expect, it, test } from 'vitest';
import { packagePath } from '../package-root.js';
import { parseCascade } from './config.js';
import { JSON_SCHEMAS } from './json-schema.js';

const WHOLE = `data: kuairand-pure
retrieve: { run: runs/a, items: 50 }
prerank: { run: runs/b, items: 20 }
rank: { run: /runs/c, items: 5 }
`;

describe('parseCascade', () => {
  it('fills in defaults and starts paths from the folder', () => {
    const config = parseCascade(WHOLE, 'cascade.yaml', '/somewhere');
    expect(config.data).toEqual({ dataset: 'kuairand-pure', maxBadRows: 0 });
    expect([config.retrieve.run, config.prerank!.run, config.rank!.run]).toEqual([
      '/somewhere/runs/a',
      '/somewhere/runs/b',
      '/runs/c',
    ]);
    expect(config.evaluation).toMatchObject({ part: 'test', requests: 2000, ks: [10, 20], budget: 50 });
    expect(config.retrieve.index.kind).toBe('auto');
    expect(parseCascade('data: kuairand-pure\nretrieve: { run: a }', 'c', '/').rank).toBeUndefined();
  });

  it.each([
    ['items: 20', 'items: 60', 'c.yaml:3: prerank.items: 60 items cannot be kept of 50 retrieved ones'],
    ['items: 5 ', 'items: 30 ', 'c.yaml:4: rank.items: 30 items cannot be kept of 20'],
    ['data: k', 'mine: { survivors: 21 }\ndata: k', '21 survivors need a prerank run that keeps as many'],
    ['prerank:', 'prerenk:', 'unknown key "prerenk", did you mean "prerank"?'],
    ['run: runs/a', 'rn: runs/a', 'retrieve.run: it is missing'],
    ['kuairand-pure', 'kuairand-pur', 'did you mean "kuairand-pure"?'],
  ])('refuses %s as %s', (said, instead, message) => {
    expect(() => parseCascade(WHOLE.replace(said, instead), 'c.yaml', '/somewhere')).toThrow(message);
  });
});

test('schemas/cascade.schema.json is what the code says: npm run build', async () => {
  const written = await readFile(packagePath('schemas', 'cascade.schema.json'), 'utf8');
  expect(JSON.parse(written)).toEqual(JSON_SCHEMAS.cascade());
});

test('docs/cascade.md names every key', async () => {
  const page = await readFile(packagePath('docs', 'cascade.md'), 'utf8');
  const { properties } = JSON_SCHEMAS.cascade() as { properties: Record<string, { properties?: object }> };
  const sections = ['evaluation', 'mine'] as const;
  const keys = [...Object.keys(properties), ...sections.flatMap((name) => Object.keys(properties[name]!.properties!))];
  expect(keys.length).toBeGreaterThan(15);
  expect(keys.filter((key) => !new RegExp(`\\b${key}\\b`).test(page))).toEqual([]);
});
