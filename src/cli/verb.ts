import type { Command } from 'commander';
import type { Output } from './output.js';

/** One command, in a file of its own: adds itself, with description, arguments and options. `--json` is added for it. */
export interface Verb {
  register(program: Command, output: Output): void;
}
