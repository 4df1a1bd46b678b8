import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseYaml, readYaml } from './yaml.js';

const schema = z.strictObject({
  steps: z.int().min(1).default(10),
  optimizer: z.strictObject({ name: z.enum(['adam', 'sgd']), rate: z.number().optional() }).optional(),
  either: z
    .union([z.strictObject({ until: z.number() }), z.strictObject({ share: z.number(), rest: z.number() })])
    .optional(),
  layers: z.array(z.strictObject({ width: z.int() })).default([]),
});

function messageOf(text: string): string {
  try {
    parseYaml(text, 'run.yaml', schema);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was accepted');
}

describe('parseYaml', () => {
  it('fills in defaults, also for an empty file', () => {
    expect(parseYaml('', 'run.yaml', schema)).toEqual({ steps: 10, layers: [] });
    expect(parseYaml('steps: 3\nlayers: [{width: 2}]', 'run.yaml', schema)).toEqual({
      steps: 3,
      layers: [{ width: 2 }],
    });
  });

  it('names file, line and key of an unknown key, and what it may have meant', () => {
    expect(messageOf('steps: 1\noptimizer:\n  name: adam\n  rat: 0.1\n')).toMatch(
      /^run\.yaml:4: optimizer\.rat: unknown key "rat", did you mean "rate"\?/,
    );
    expect(messageOf('layers:\n  - width: 1\n  - {width: 2, heigth: 3}')).toContain(
      'run.yaml:3: layers.1.heigth: unknown key',
    );
  });

  it('names the line of a wrong value, and lists every problem', () => {
    const message = messageOf('optimizer:\n  name: adm\nsteps: 0\n');
    expect(message).toMatch(/run\.yaml:2: optimizer\.name: .*, here it is "adm"$/m);
    expect(message).toMatch(/run\.yaml:3: steps: .*, here it is 0$/m);
    expect(messageOf('steps: many')).toMatch(/run\.yaml:1: steps: .*expected number.*, here it is "many"$/m);
    expect(messageOf(`steps: ${'y'.repeat(100)}`)).not.toContain('here it is');
  });

  it('judges a choice by the alternative that was meant', () => {
    expect(messageOf('either: {share: 0.5, rst: 1}')).toContain('unknown key "rst", did you mean "rest"?');
  });

  it('names the place of broken YAML', () => {
    expect(() => parseYaml('a: [1,\nb: 2', 'run.yaml', schema)).toThrow(
      expect.objectContaining({ code: 'CONFIG_UNREADABLE' }),
    );
    expect(messageOf('a: 1\na: 2')).toMatch(/^run\.yaml:2:1: /);
  });
});

describe('readYaml', () => {
  it('names a file that is not there', () => {
    expect(() => readYaml('/nowhere/run.yaml', schema)).toThrow(expect.objectContaining({ code: 'CONFIG_UNREADABLE' }));
    expect(() => readYaml('/nowhere/run.yaml', schema)).toThrow('/nowhere/run.yaml: there is no such file');
  });
});
