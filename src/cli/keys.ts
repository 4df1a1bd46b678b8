import { existsSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { stringify } from 'yaml';
import { TwoTowerError } from '../errors.js';
import { writeFileAtomic } from '../files.js';
import { createKey, type KeyEntry, ROLES, type Role, readKeyFile } from '../serving/http/keys.js';
import { examples } from './options.js';
import type { Verb } from './verb.js';

export const keys: Verb = {
  register(program, output) {
    program
      .command('keys')
      .description('add an API key to a file for serve; the key is shown once, the file holds its hash')
      .argument('<file>', 'file of keys (YAML); made where there is none')
      .requiredOption('--name <name>', 'who will use the key; appears in logs', nameOf)
      .option('--role <role>', 'read: ask; write: also change items and users and add events', roleOf, 'read')
      .addHelpText('after', examples('twotower keys keys.yaml --name shop --role write'))
      .action(async (file: string, { name, role }: { name: string; role: Role }) => {
        const before: KeyEntry[] = existsSync(file) ? readKeyFile(file) : [];
        if (before.some((entry) => entry.name === name)) {
          throw new TwoTowerError(
            'USAGE',
            `${file} has a key named "${name}"`,
            'Give another name, or remove that entry first.',
          );
        }
        const { key, entry } = createKey(name, role);
        await writeFileAtomic(file, stringify({ keys: [...before, entry] }));
        output.result({ file, name, role, key }, () => key);
        output.note(
          `${file}: "${name}" may ${role === 'write' ? 'read and write' : 'read'}. Keep the key, it is stored nowhere else.`,
        );
      });
  },
};

function nameOf(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('A key has the name of whoever uses it.');
  return text;
}

function roleOf(text: string): Role {
  const role = ROLES.find((one) => one === text);
  if (role === undefined) throw new InvalidArgumentError(`It must be one of ${ROLES.join(', ')}.`);
  return role;
}
