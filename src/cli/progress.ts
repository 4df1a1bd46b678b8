/** The part of `process.stderr` that is needed to show progress. */
export interface Terminal {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** What is going on, for whoever watches. */
export interface Progress {
  /** Says where things stand; most calls show nothing, so it may be called at every step. `line` is only asked when shown. */
  update(line: () => string): void;
  /** Ends the display, with a last line that stays. */
  done(line?: string): void;
}

const TERMINAL_INTERVAL = 100;
const LOG_INTERVAL = 10_000;

/**
 * On a terminal one line that is rewritten at most ten times a second; elsewhere (a log file, a pipe) a line at most every ten
 * seconds.
 */
export function createProgress(terminal: Terminal, now: () => number = () => performance.now()): Progress {
  const live = terminal.isTTY === true;
  const interval = live ? TERMINAL_INTERVAL : LOG_INTERVAL;
  // In a log the first line comes after a while: short work needs none.
  let shown = live ? Number.NEGATIVE_INFINITY : now();
  return {
    update(line) {
      const time = now();
      if (time - shown < interval) return;
      shown = time;
      terminal.write(live ? `\r\x1b[2K${clip(line(), terminal.columns)}` : `${line()}\n`);
    },
    done(line) {
      if (live) terminal.write('\r\x1b[2K');
      if (line !== undefined) terminal.write(`${line}\n`);
    },
  };
}

/** A line that wraps could not be rewritten. */
function clip(line: string, columns = 80): string {
  const letters = [...line];
  return letters.length < columns ? line : `${letters.slice(0, columns - 2).join('')}…`;
}
