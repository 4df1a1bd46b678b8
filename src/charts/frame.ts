import { escapeHtml } from './escape.js';
import type { Scale } from './scale.js';

/** Where a picture's axes stand, in its own units. */
export interface Area {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Picture {
  /** Unique in the page. */
  id: string;
  width: number;
  height: number;
  /** For those who do not see it: what it is, and what it shows in words. */
  title: string;
  text: string;
  body: readonly string[];
}

/** A picture that scales with its container and is read out by title and text. */
export function svg({ id, width, height, title, text, body }: Picture): string {
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-text">
<title id="${id}-title">${escapeHtml(title)}</title>
<desc id="${id}-text">${escapeHtml(text)}</desc>
${body.join('\n')}
</svg>`;
}

/** Grid lines and numbers of the axis that points upwards. */
export function upAxis(scale: Scale, { left, right }: Area): string[] {
  return scale.ticks.map((tick) => {
    const y = scale.at(tick);
    return `<line x1="${left}" x2="${right}" y1="${px(y)}" y2="${px(y)}" class="grid"/><text x="${left - 6}" y="${px(y + 4)}" text-anchor="end" class="quiet">${escapeHtml(scale.text(tick))}</text>`;
  });
}

/** The axis that points to the right, with its numbers. */
export function rightAxis(scale: Scale, { left, right, bottom }: Area): string[] {
  return [
    `<line x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}" class="axis"/>`,
    ...scale.ticks.map((tick) => {
      const x = px(scale.at(tick));
      return `<line x1="${x}" x2="${x}" y1="${bottom}" y2="${bottom + 4}" class="axis"/><text x="${x}" y="${bottom + 17}" text-anchor="middle" class="quiet">${escapeHtml(scale.text(tick))}</text>`;
    }),
  ];
}

/** A coordinate, short. */
export function px(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}
