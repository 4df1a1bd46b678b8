import type { LoadProgress } from '../data/load.js';
import { formatMetric } from '../evaluation/report.js';
import type { RunEvent } from '../runs/events.js';
import { count, duration } from './format.js';
import type { Output } from './output.js';
import type { Progress } from './progress.js';

/** Shows what a run tells: one live line, and lines that stay for validations and warnings. */
export function watchRun(output: Output): { onEvent: (event: RunEvent) => void; done: () => void } {
  const progress = output.progress();
  const onEvent = (event: RunEvent): void => {
    switch (event.type) {
      case 'loading':
        progress.update(() => loadLine(event.progress));
        return;
      case 'teaching':
        progress.update(() => `scoring with the teacher  ${Math.floor(event.done * 100)} %`, event.done);
        return;
      case 'begin':
        progress.done(
          `${samplesLine(event)}, ${count(event.parameters)} parameters, ${
            event.step === 0 ? '' : `going on after step ${count(event.step)} of `
          }${event.step === 0 ? `up to ${count(event.totalSteps)} steps` : count(event.totalSteps)}`,
        );
        return;
      case 'step': {
        const { epoch, epochs, step, totalSteps, samplesPerSecond, loss, secondsLeft } = event;
        progress.update(
          () =>
            `epoch ${epoch}/${epochs} step ${count(step)}/${count(totalSteps)} ${count(samplesPerSecond)} samples/s loss ${loss.toFixed(4)} ≤${duration(secondsLeft)}`,
          step / totalSteps,
        );
        return;
      }
      case 'validation': {
        const { metrics } = event.result;
        const shown = shownWith(event.metric).map((name) => `${name} ${formatMetric(metrics[name] ?? undefined)}`);
        const verdict = event.improved ? 'best so far' : event.finished ? 'no better, stopping' : 'no better';
        progress.done(`epoch ${event.epoch}  step ${count(event.step)}  validation ${shown.join('  ')}  ${verdict}`);
        return;
      }
      case 'evaluating':
        progress.update(() => `evaluating ${event.split}  ${Math.floor(event.done * 100)} %`, event.done);
        return;
      case 'warning':
        progress.done();
        output.warn(event.message);
    }
  };
  return { onEvent, done: () => progress.done() };
}

/** The metric that decides and what a reader looks at beside it, of the same kind. */
function shownWith(metric: string): string[] {
  const [, k] = metric.split('@');
  const usual = k === undefined ? ['auc', 'gauc', 'logloss'] : [`recall@${k}`, `ndcg@${k}`];
  return [...new Set([...usual, metric])];
}

/** Shows how far a dataset is read. */
export function watchLoading(progress: Progress): (loading: LoadProgress) => void {
  return (loading) => progress.update(() => loadLine(loading));
}

/** `encoding events  40 %` */
export function loadLine({ stage, done, total }: LoadProgress): string {
  const share = done !== undefined && total ? `  ${Math.floor((done / total) * 100)} %` : '';
  return `${stage}${share}`;
}

/** `185,061 samples`, or `168,022 lists of 347,683 samples (corpus 168,042, shown …)` */
function samplesLine({ samples, lists }: Extract<RunEvent, { type: 'begin' }>): string {
  if (lists === undefined) return `${count(samples)} samples`;
  const stages = Object.entries(lists.stages).map(([name, of]) => `${name} ${count(of)}`);
  return `${count(lists.count)} lists of ${count(samples)} samples (${stages.join(', ')})`;
}
