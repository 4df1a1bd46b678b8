import { type ErrorCode, TwoTowerError } from '../errors.js';
import { packagePath } from '../package-root.js';
import type { Output } from './output.js';
import { systemError } from './system-error.js';

/** 0: done. 1: the work failed. 2: what was asked cannot be done: wrong usage, configuration or data. 130: Ctrl-C. */
export type ExitCode = 0 | 1 | 2 | 130;

/** Milliseconds in which the first of several ranks may tell of what went wrong on all of them; its end is the end of all. */
export const GRACE = 5000;

const FAILED_WORK: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'GRAPH_SHAPE',
  'GRAPH_TYPE',
  'GRAPH_PARAMETER',
  'GRAPH_FEED',
  'S3_UNREACHABLE',
  'DATA_DOWNLOAD',
  'TRAIN_DIVERGED',
  'CHECKPOINT_DAMAGED',
  'INDEX_DAMAGED',
  'SERVING_VERIFY',
  'FILE_FAILED',
]);

/**
 * Tells what went wrong and returns the exit code. A TwoTowerError is for the user: message and remedy, no stack, and so is what the
 * file system refuses. Anything else is a fault of the program and comes with its stack. With `--json` stdout carries
 * `{ "error": { code, message, … } }`.
 */
export function reportFailure(failure: unknown, output: Output): ExitCode {
  const error = systemError(failure) ?? failure;
  const { red, dim } = output.stderrColors;
  if (error instanceof TwoTowerError) {
    const { code, message, remedy } = error;
    const what = remedy === undefined ? message : message.slice(0, -`\n  ${remedy}`.length);
    if (output.json) output.result({ error: { code, message: what, remedy } }, String);
    else output.note(`${red('error')} ${dim(code)}: ${visible(message)}`);
    if (code === 'RUN_INTERRUPTED') return 130;
    return FAILED_WORK.has(code) ? 1 : 2;
  }
  const message = error instanceof Error ? error.message : String(error);
  if (output.json) output.result({ error: { code: 'UNEXPECTED', message } }, String);
  output.note(`${red('unexpected error')}: ${error instanceof Error ? error.stack : message}`);
  output.note(
    `This is a fault in twotower (${packagePath()}), not in what you did. Please report it with the lines above.`,
  );
  return 1;
}

/** Quoted from a file, control characters would act on the terminal. */
function visible(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
