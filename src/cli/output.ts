import picocolors from 'picocolors';
import { createProgress, type Progress, type Terminal } from './progress.js';

export type Colors = ReturnType<typeof picocolors.createColors>;

/** Where a command writes: results to stdout, everything else to stderr. */
export interface Output {
  /** Whether `--json` was given: stdout then carries one JSON document and nothing else. */
  json: boolean;
  /** Styles for text on stdout; they do nothing when it is not a terminal. */
  readonly colors: Colors;
  /** Styles for text on stderr. */
  readonly stderrColors: Colors;
  /** The outcome of the command, called once: the document with `--json`, else the text. NaN and infinity become null. */
  result(document: object, text: () => string): void;
  /** A line for whoever watches, on stderr. */
  note(line: string): void;
  warn(line: string): void;
  progress(): Progress;
}

/** The streams and environment an `Output` writes to; `process` is one. */
export interface Streams {
  stdout: Terminal;
  stderr: Terminal;
  env: Record<string, string | undefined>;
}

export function createOutput({ stdout, stderr, env }: Streams): Output {
  const stderrColors = colorsFor(stderr, env);
  const note = (line: string) => stderr.write(`${line}\n`);
  return {
    json: false,
    colors: colorsFor(stdout, env),
    stderrColors,
    result(document, text) {
      stdout.write(`${this.json ? JSON.stringify(document, null, 2) : text()}\n`);
    },
    note,
    warn: (line) => note(`${stderrColors.yellow('warning:')} ${line}`),
    progress: () => createProgress(stderr),
  };
}

/**
 * https://no-color.org: any value but the empty one switches colour off. Under mpirun every process has a terminal of its own, wherever
 * what it writes there ends up.
 */
function colorsFor(stream: Terminal, env: Streams['env']): Colors {
  const isTerminal = stream.isTTY === true && env.OMPI_COMM_WORLD_RANK === undefined;
  return picocolors.createColors(isTerminal && !env.NO_COLOR && env.TERM !== 'dumb');
}
