import { escapeHtml } from '../../charts/escape.js';
import type { FunnelReport } from '../evaluate.js';
import { PHASE_TITLES, percent } from './text.js';

const WIDTH = 720;
const BAR = 420;
const LEFT = 150;
const STEP = 56;

/** Bars that get shorter: the share of the relevant items that is still there after each phase, and what the phase lost. */
export function funnelDiagram({ metrics }: FunnelReport): string {
  const height = STEP * metrics.stages.length + 30;
  let reached = metrics.relevant;
  const bars = metrics.stages.map(({ phase, items, lost }, i) => {
    const through = reached - lost;
    const before = (BAR * reached) / Math.max(1, metrics.relevant);
    const after = (BAR * through) / Math.max(1, metrics.relevant);
    reached = through;
    const y = 26 + i * STEP;
    const share = percent(through / metrics.relevant);
    return `<g>
<text x="0" y="${y + 14}" class="strong">${escapeHtml(PHASE_TITLES[phase])}</text>
<text x="0" y="${y + 31}" class="quiet">${items.toLocaleString('en-US')} items</text>
<rect x="${LEFT}" y="${y}" width="${before.toFixed(1)}" height="34" rx="4" class="lost"><title>lost here: ${percent(lost / metrics.relevant)} of the relevant items</title></rect>
<rect x="${LEFT}" y="${y}" width="${after.toFixed(1)}" height="34" rx="4" class="kept"><title>still there: ${share}</title></rect>
<text x="${(LEFT + before + 10).toFixed(1)}" y="${y + 14}" class="strong">${share}</text>
<text x="${(LEFT + before + 10).toFixed(1)}" y="${y + 31}" class="quiet">−${percent(lost / metrics.relevant)}</text>
</g>`;
  });
  const words = metrics.stages.map(({ phase, recall }) => `${PHASE_TITLES[phase]} ${percent(recall)}`).join(', ');
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="funnel-title funnel-text">
<title id="funnel-title">Relevant items after each phase</title>
<desc id="funnel-text">Mean recall: ${escapeHtml(words)}. The numbers stand in the tables below.</desc>
<text x="0" y="14" class="quiet">relevant items</text>
<path d="M${LEFT} 4h11v11h-11z" class="kept"/><text x="${LEFT + 17}" y="14" class="quiet">still there</text>
<path d="M${LEFT + 110} 4h11v11h-11z" class="lost"/><text x="${LEFT + 127}" y="14" class="quiet">lost at this phase</text>
${bars.join('\n')}
</svg>`;
}
