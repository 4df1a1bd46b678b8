import { percent } from '../../cascade/report/words.js';
import { funnel } from '../../charts/funnel.js';
import { dataBehind } from '../../charts/page.js';
import type { TableResult } from '../results.js';
import { byPlace, titled } from './tables.js';

/** What would be left of the relevant items if a model chose the candidates: a funnel each, by the cut-offs of the table's recall. */
export function funnelCharts({ protocol, models }: TableResult, id: string): string[] {
  const ks = protocol.metrics.flatMap((metric) => (metric.startsWith('recall@') ? [Number(metric.slice(7))] : []));
  ks.sort((a, b) => b - a);
  const drawn = byPlace(models, protocol.metrics[0]!).filter(({ metrics }) => metrics[`recall@${ks[0]}`] !== undefined);
  if (ks.length === 0 || drawn.length === 0) return [];
  const count = (k: number) => k.toLocaleString('en-US');
  const pictures = drawn.map(({ name, metrics }, i) => {
    let before = 1;
    const steps = ks.map((k, at) => {
      const after = metrics[`recall@${k}`]!.mean;
      const lost = before - after;
      const step = {
        name: `first ${count(k)}`,
        note: at === 0 ? 'of all' : `of ${count(ks[at - 1]!)}`,
        before,
        after,
        left: percent(after),
        lost: percent(lost),
      };
      before = after;
      return step;
    });
    const text = `Still there: ${steps.map(({ name: first, left }) => `${left} in the ${first}`).join(', ')}`;
    return funnel({ id: `${id}-${i}`, title: name, text, what: 'relevant items', steps, small: true });
  });
  const rows = drawn.map(({ name, metrics }) => [name, ...ks.map((k) => percent(metrics[`recall@${k}`]!.mean))]);
  const title = titled('What is left of the relevant items', protocol);
  return [
    `<h3>${title}</h3>`,
    `<figure class="funnels">${pictures.join('')}</figure>`,
    '<p class="note">If the model chose the candidates for the next phase: blue is what would still be among them, the rest of a bar what that cut loses. Mean over the seeds.</p>',
    dataBehind(title, [['model', ...ks.map((k) => `recall@${k}`)], ...rows]),
  ];
}
