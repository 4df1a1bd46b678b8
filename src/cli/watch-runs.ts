import type { RunEvent } from '../runs/events.js';
import type { Output } from './output.js';
import type { Progress } from './progress.js';
import { watchRun } from './watch.js';

/** Several runs at a time: lines that stay, and below them one live line about those that are under way. */
export interface RunsWatch {
  begin(name: string): void;
  onEvent(name: string, event: RunEvent): void;
  /** Ends one, with a line that stays if there is one to say. */
  end(name: string, line?: string): void;
  /** Something else that is done for a moment. */
  say(line: string): void;
  /** A line that stays. */
  note(line: string): void;
}

interface Live {
  line: () => string;
  share: number | undefined;
  onEvent: (event: RunEvent) => void;
}

/** @param of how far all of it is, 0 to 1, but for what is under way; told the shares of that */
export function watchRuns(output: Output, of: (shares: number[]) => number): RunsWatch {
  const progress = output.progress();
  const running = new Map<string, Live>();

  const begin = (name: string): Live => {
    const live: Live = { line: () => '', share: undefined, onEvent: () => {} };
    // The lines that a single run leaves behind would tear the table apart.
    const own: Progress = {
      update(line, share) {
        Object.assign(live, { line, share });
        show();
      },
      done: () => {},
    };
    live.onEvent = watchRun({ ...output, progress: () => own }).onEvent;
    running.set(name, live);
    return live;
  };
  const show = () => {
    const shares = [...running.values()].map(({ share }) => share ?? 0);
    progress.update(() => liveLine(running), of(shares));
  };

  return {
    begin,
    onEvent: (name, event) => (running.get(name) ?? begin(name)).onEvent(event),
    end(name, line) {
      running.delete(name);
      if (line !== undefined) progress.done(line);
    },
    say: (line) => progress.update(() => line),
    note: (line) => progress.done(line),
  };
}

/** `dssm seed 1  epoch 1/3 step 20/180 …`; of several, what each does and how much of it: `dssm seed 1 epoch 1/3 12 % · …` */
function liveLine(running: ReadonlyMap<string, Live>): string {
  const shown = [...running].filter(([, { line }]) => line() !== '');
  if (shown.length === 1) return shown.map(([name, { line }]) => `${name}  ${line()}`).join('');
  return shown
    .map(([name, { line, share }]) => {
      const what = line().split(' ').slice(0, 2).join(' ');
      return `${name} ${what}${share === undefined ? '' : ` ${Math.floor(share * 100)} %`}`;
    })
    .join(' · ');
}
