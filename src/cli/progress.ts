/** The part of `process.stderr` that is needed to show progress. */
export interface Terminal {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** What is going on, for whoever watches. */
export interface Progress {
  /**
   * Says where things stand; most calls show nothing, so it may be called at every step. `line` is only asked when shown.
   * `share` (0 to 1) of the work that is done becomes a bar on a terminal.
   */
  update(line: () => string, share?: number): void;
  /** Ends the display, with a last line that stays. */
  done(line?: string): void;
}

const TERMINAL_INTERVAL = 100;
const LOG_INTERVAL = 10_000;
const BAR_WIDTH = 16;

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
    update(line, share) {
      const time = now();
      if (time - shown < interval) return;
      shown = time;
      const full = share === undefined ? line() : `${bar(share)} ${line()}`;
      terminal.write(live ? `\r\x1b[2K${clip(full, terminal.columns)}` : `${line()}\n`);
    },
    done(line) {
      if (live) terminal.write('\r\x1b[2K');
      if (line !== undefined) terminal.write(`${line}\n`);
    },
  };
}

function bar(share: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
  return '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
}

/** A line that wraps could not be rewritten. A terminal that does not know its width says 0. */
function clip(line: string, width?: number): string {
  const columns = width || 80;
  const letters = [...line];
  return letters.length < columns ? line : `${letters.slice(0, columns - 2).join('')}…`;
}
