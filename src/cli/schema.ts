import { Argument } from 'commander';
import { JSON_SCHEMAS } from '../leaderboard/json-schema.js';
import { examples } from './options.js';
import type { Verb } from './verb.js';

export const schema: Verb = {
  register(program, output) {
    program
      .command('schema')
      .description('print the JSON Schema of a configuration file, for editors')
      .addArgument(new Argument('[kind]', 'which file').choices(Object.keys(JSON_SCHEMAS)).default('training'))
      .addHelpText('after', examples('twotower schema training > training.schema.json'))
      .action((kind: keyof typeof JSON_SCHEMAS) => {
        const document = JSON_SCHEMAS[kind]();
        output.result(document, () => JSON.stringify(document, null, 2));
      });
  },
};
