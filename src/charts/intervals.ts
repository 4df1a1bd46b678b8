import { escapeHtml } from './escape.js';
import { px, rightAxis, svg } from './frame.js';
import { linearScale } from './scale.js';

export interface Interval {
  name: string;
  low: number;
  value: number;
  high: number;
  /** How it is drawn: significant in one direction, or not. */
  kind: 'better' | 'worse' | 'same';
}

const WIDTH = 480;
const ROW = 26;
const LEFT = 120;
const RIGHT = 452;

/** Differences with their intervals, one line each, and a line at zero. */
export function intervals({
  id,
  title,
  rows,
  label,
}: {
  id: string;
  title: string;
  rows: readonly Interval[];
  label: string;
}): string {
  const bottom = 14 + rows.length * ROW;
  const area = { left: LEFT, right: RIGHT, top: 10, bottom };
  const x = linearScale([0, ...rows.flatMap(({ low, high }) => [low, high])], LEFT, RIGHT, 4);
  const said = { better: 'better', worse: 'worse', same: 'no significant difference' };
  return svg({
    id,
    width: WIDTH,
    height: bottom + 44,
    title,
    text: rows.map(({ name, value, kind }) => `${name} ${value.toFixed(4)}, ${said[kind]}`).join('; '),
    body: [
      ...x.ticks.map(
        (tick) => `<line x1="${px(x.at(tick))}" x2="${px(x.at(tick))}" y1="10" y2="${bottom}" class="grid"/>`,
      ),
      ...rightAxis(x, area),
      `<line x1="${px(x.at(0))}" x2="${px(x.at(0))}" y1="6" y2="${bottom}" class="zero"/>`,
      ...rows.map(({ name, low, value, high, kind }, i) => {
        const y = 14 + (i + 0.5) * ROW;
        const tip = escapeHtml(`${name}: ${value.toFixed(4)}, ${low.toFixed(4)} to ${high.toFixed(4)}: ${said[kind]}`);
        return `<g class="${kind}"><title>${tip}</title><text x="${LEFT - 10}" y="${px(y + 4)}" text-anchor="end">${escapeHtml(name)}</text><line x1="${px(x.at(low))}" x2="${px(x.at(high))}" y1="${px(y)}" y2="${px(y)}" class="interval"/><circle cx="${px(x.at(value))}" cy="${px(y)}" r="4.5"/></g>`;
      }),
      `<text x="${RIGHT}" y="${bottom + 36}" text-anchor="end" class="quiet">${escapeHtml(label)}</text>`,
    ],
  });
}
