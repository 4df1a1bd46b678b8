import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { temporaryFolder } from './testing/folder.js';
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

  it('says in one line what is wrong as a whole', () => {
    const needy = z.strictObject({ data: z.string(), model: z.string(), training: z.unknown().optional() });
    const whole = (text: string) => {
      try {
        parseYaml(text, 'run.yaml', needy);
      } catch (error) {
        return (error as Error).message;
      }
      throw new Error('it was accepted');
    };
    expect(whole('# nothing\n')).toBe(
      'run.yaml: nothing stands in it\n  Write what it is to say: data, model, training.',
    );
    expect(whole('customer,product\nc1,p1\n')).toMatch(
      /^run\.yaml: it is a string, where keys with values are needed\n/,
    );
    expect(whole('- 1')).toMatch(/^run\.yaml: it is a list,/);
    expect(whole('name: shop\nfeedback: [bought]\nfields: {}\nuser: id\nitem: id\n')).toBe(
      'run.yaml: this is a dataset description (it has feedback and fields), where a training configuration is needed\n  Name the other file.',
    );
    expect(whole('data: x\nretrieve: {}\n')).toContain('this is a cascade (it has data and retrieve), where');
    expect(whole('data: x\nmodel: 3\n')).toContain('run.yaml:2: model: ');
  });

  it('names many unknown keys of one object together', () => {
    expect(messageOf('steps: 1\na: 1\nb: 2\nc: 3\nd: 4')).toBe(
      'run.yaml:2: a: unknown keys "a", "b", "c", "d", known: steps, optimizer, either, layers\n  Correct the lines named above.',
    );
    expect(messageOf('a: 1\nb: 2').split('\n')).toHaveLength(3);
  });

  it('names the place of broken YAML', () => {
    expect(() => parseYaml('a: [1,\nb: 2', 'run.yaml', schema)).toThrow(
      expect.objectContaining({ code: 'CONFIG_UNREADABLE' }),
    );
    expect(messageOf('a: 1\na: 2')).toMatch(/^run\.yaml:2:1: /);
  });
});

describe('readYaml', () => {
  it('refuses what is no text', async () => {
    const file = join(await temporaryFolder(), 'run.yaml');
    await writeFile(file, Buffer.from('steps: 3', 'utf16le'));
    expect(() => readYaml(file, schema)).toThrow(`${file}: it is no UTF-8 text\n  Check the path.`);
  });

  it('names a file that is not there', () => {
    expect(() => readYaml('/nowhere/run.yaml', schema)).toThrow(expect.objectContaining({ code: 'CONFIG_UNREADABLE' }));
    expect(() => readYaml('/nowhere/run.yaml', schema)).toThrow('/nowhere/run.yaml: there is no such file');
  });
});
