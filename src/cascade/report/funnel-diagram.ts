import { funnel } from '../../charts/funnel.js';
import type { FunnelReport } from '../evaluate.js';
import { PHASE_TITLES, percent } from './words.js';

/** The share of the relevant items that is still there after each phase, and what the phase lost. */
export function funnelDiagram({ metrics }: FunnelReport): string {
  let reached = metrics.relevant;
  const all = Math.max(1, metrics.relevant);
  const steps = metrics.stages.map(({ phase, items, lost }) => {
    const before = reached;
    reached -= lost;
    return {
      name: PHASE_TITLES[phase],
      note: `${items.toLocaleString('en-US')} items`,
      before: before / all,
      after: reached / all,
      left: percent(reached / metrics.relevant),
      lost: percent(lost / metrics.relevant),
    };
  });
  const words = metrics.stages.map(({ phase, recall }) => `${PHASE_TITLES[phase]} ${percent(recall)}`).join(', ');
  return funnel({
    id: 'funnel',
    title: 'Relevant items after each phase',
    text: `Mean recall: ${words}. The numbers stand in the tables below.`,
    what: 'relevant items',
    steps,
  });
}
