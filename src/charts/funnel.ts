import { escapeHtml } from './escape.js';
import { svg } from './frame.js';

/** One step of a funnel. Lengths are shares of what there was at the beginning, 0 to 1. */
export interface FunnelStep {
  name: string;
  /** Below the name. */
  note: string;
  before: number;
  after: number;
  /** What is left, and what was lost here, as text. */
  left: string;
  lost: string;
}

export interface Funnel {
  id: string;
  title: string;
  /** For those who do not see it. */
  text: string;
  /** What goes through. */
  what: string;
  steps: readonly FunnelStep[];
  /** A small one stands among others and has no key of its own. */
  small?: boolean;
}

const STEP = 56;
const SIZES = {
  large: { width: 720, start: 150, bar: 420 },
  small: { width: 320, start: 76, bar: 170 },
} as const;

/** Bars that get shorter: what is still there after each step, and what the step lost. */
export function funnel({ id, title, text, what, steps, small = false }: Funnel): string {
  const { width, start, bar } = SIZES[small ? 'small' : 'large'];
  const bars = steps.map(({ name, note, before, after, left, lost }, i) => {
    const y = 26 + i * STEP;
    const end = (start + bar * before + 10).toFixed(1);
    return `<g>
<text x="0" y="${y + 14}" class="strong">${escapeHtml(name)}</text>
<text x="0" y="${y + 31}" class="quiet">${escapeHtml(note)}</text>
<rect x="${start}" y="${y}" width="${(bar * before).toFixed(1)}" height="34" rx="4" class="lost"><title>${escapeHtml(`lost here: ${lost} of the ${what}`)}</title></rect>
<rect x="${start}" y="${y}" width="${(bar * after).toFixed(1)}" height="34" rx="4" class="kept"><title>${escapeHtml(`still there: ${left}`)}</title></rect>
<text x="${end}" y="${y + 14}" class="strong">${escapeHtml(left)}</text>
<text x="${end}" y="${y + 31}" class="quiet">−${escapeHtml(lost)}</text>
</g>`;
  });
  const key = [
    `<text x="0" y="14" class="quiet">${escapeHtml(what)}</text>`,
    `<path d="M${start} 4h11v11h-11z" class="kept"/><text x="${start + 17}" y="14" class="quiet">still there</text>`,
    `<path d="M${start + 110} 4h11v11h-11z" class="lost"/><text x="${start + 127}" y="14" class="quiet">lost at this phase</text>`,
  ];
  const heading = [`<text x="0" y="14" class="strong">${escapeHtml(title)}</text>`];
  const height = STEP * steps.length + 30;
  return svg({ id, width, height, title, text, body: [...(small ? heading : key), ...bars] });
}
