import type { Command } from 'commander';
import type { Output } from './output.js';

/** One file of this folder: adds its command, with description, arguments and options. `--json` is added for it. */
export interface Verb {
  register(program: Command, output: Output): void;
}

/** Every command of `twotower`, in the order of the help. */
export const verbs: readonly Verb[] = [];
