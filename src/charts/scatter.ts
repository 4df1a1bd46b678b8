import { escapeHtml } from './escape.js';
import { type Area, px, rightAxis, svg, upAxis } from './frame.js';
import { paretoFront } from './front.js';
import { linearScale, logScale } from './scale.js';

export interface ScatterPoint {
  name: string;
  /** Above 0: the axis is logarithmic. */
  cost: number;
  quality: number;
  /** Half the length of the whisker. */
  deviation: number;
}

export interface Scatter {
  id: string;
  title: string;
  points: readonly ScatterPoint[];
  costLabel: string;
  qualityLabel: string;
  lowerIsBetter?: boolean;
  costText: (cost: number) => string;
}

const WIDTH = 480;
const HEIGHT = 340;
const AREA: Area = { left: 56, right: 464, top: 26, bottom: 286 };
const LETTER = 7.2;
const LINE = 14;

/** Quality upwards against cost to the right; the points of the Pareto front are filled and joined. */
export function scatter({
  id,
  title,
  points,
  costLabel,
  qualityLabel,
  lowerIsBetter = false,
  costText,
}: Scatter): string {
  const x = logScale(
    points.map(({ cost }) => cost),
    AREA.left,
    AREA.right,
    costText,
  );
  const y = linearScale(
    points.flatMap(({ quality, deviation }) => [quality - deviation, quality + deviation]),
    AREA.bottom,
    AREA.top,
  );
  const front = paretoFront(points, { lowerIsBetter });
  const placed = points.map((point, i) => ({ ...point, x: x.at(point.cost), y: y.at(point.quality), best: front[i]! }));
  const best = placed.filter((point) => point.best).sort((a, b) => a.x - b.x);
  const names = labels(placed);
  return svg({
    id,
    width: WIDTH,
    height: HEIGHT,
    title,
    text: `Best for their cost: ${best.map(({ name, cost, quality }) => `${name} (${quality.toFixed(4)} at ${costText(cost)})`).join(', ')}. The numbers stand below.`,
    body: [
      ...upAxis(y, AREA),
      ...rightAxis(x, AREA),
      `<polyline points="${best.map((point) => `${px(point.x)},${px(point.y)}`).join(' ')}" class="front"/>`,
      ...placed.map(({ name, x: cx, y: cy, quality, deviation, cost, best: filled }) => {
        const whisker =
          deviation === 0
            ? ''
            : `<line x1="${px(cx)}" x2="${px(cx)}" y1="${px(y.at(quality - deviation))}" y2="${px(y.at(quality + deviation))}" class="whisker"/>`;
        const said = escapeHtml(`${name}: ${qualityLabel} ${quality.toFixed(4)}, ${costText(cost)}`);
        return `${whisker}<circle cx="${px(cx)}" cy="${px(cy)}" r="5" class="${filled ? 'best' : 'other'}"><title>${said}</title></circle>`;
      }),
      ...names,
      `<text x="2" y="14" class="quiet">${escapeHtml(qualityLabel)}${lowerIsBetter ? ' (less is better)' : ''}</text>`,
      `<text x="${AREA.right}" y="${HEIGHT - 14}" text-anchor="end" class="quiet">${escapeHtml(costLabel)}</text>`,
    ],
  });
}

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Names beside their points, where they hide neither a point nor another name; left out where there is no such place. */
function labels(points: readonly (ScatterPoint & { x: number; y: number; best: boolean })[]): string[] {
  const taken: Box[] = points.map(({ x, y }) => ({ left: x - 6, right: x + 6, top: y - 6, bottom: y + 6 }));
  // Those of the front first: they matter most.
  const order = [...points].sort((a, b) => Number(b.best) - Number(a.best));
  return order.flatMap(({ name, x, y, best }) => {
    const width = name.length * LETTER;
    const places = [
      { left: x + 8, top: y - 8 - LINE },
      { left: x + 8, top: y + 6 },
      { left: x - 8 - width, top: y - 8 - LINE },
      { left: x - 8 - width, top: y + 6 },
      { left: x + 9, top: y - LINE / 2 },
      { left: x - 9 - width, top: y - LINE / 2 },
      { left: x - width / 2, top: y - 12 - LINE },
      { left: x - width / 2, top: y + 10 },
    ];
    const free = places
      .map(({ left, top }) => ({ left, top, right: left + width, bottom: top + LINE }))
      .find(
        (box) =>
          box.left >= AREA.left &&
          box.right <= AREA.right &&
          box.top >= 0 &&
          box.bottom <= AREA.bottom &&
          !taken.some((other) => overlap(box, other)),
      );
    if (free === undefined) return [];
    taken.push(free);
    return [
      `<text x="${px(free.left)}" y="${px(free.bottom - 3)}" class="${best ? 'strong' : 'quiet'}">${escapeHtml(name)}</text>`,
    ];
  });
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
