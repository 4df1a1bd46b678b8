import { escapeHtml } from './escape.js';
import { type Area, px, rightAxis, svg, upAxis } from './frame.js';
import { linearScale, type Scale } from './scale.js';

export interface Line {
  name: string;
  points: readonly { x: number; y: number }[];
}

const WIDTH = 220;
const HEIGHT = 170;
const AREA: Area = { left: 44, right: 202, top: 26, bottom: 142 };

/** One small picture per line, all on the same axes, the others faint behind it: readable where a dozen lines in one picture are not. */
export function linePanels({
  id,
  title,
  lines,
  xLabel,
}: {
  id: string;
  title: string;
  lines: readonly Line[];
  xLabel: string;
}): string[] {
  const all = lines.flatMap(({ points }) => points);
  const x = linearScale(
    all.map((point) => point.x),
    AREA.left,
    AREA.right,
    3,
  );
  const y = linearScale(
    all.map((point) => point.y),
    AREA.bottom,
    AREA.top,
    3,
  );
  return lines.map((own, i) =>
    panel({
      id: `${id}-${i}`,
      title: `${title}: ${own.name}`,
      text: own.points.map((point) => `${point.y.toFixed(4)} at ${point.x}`).join(', '),
      name: own.name,
      x,
      y,
      xLabel,
      body: [
        ...lines.filter((line) => line !== own).map((line) => path(line, x, y, 'faint')),
        path(own, x, y, 'own'),
        ...own.points.map(
          (point) => `<circle cx="${px(x.at(point.x))}" cy="${px(y.at(point.y))}" r="2.5" class="best"/>`,
        ),
      ],
    }),
  );
}

export interface Reliability {
  name: string;
  bins: readonly { meanPrediction: number; meanLabel: number; count: number }[];
}

/** One small picture per model: observed rate against predicted rate; on the diagonal both are the same. */
export function reliabilityPanels({ id, models }: { id: string; models: readonly Reliability[] }): string[] {
  const all = models.flatMap(({ bins }) =>
    bins.flatMap(({ meanPrediction, meanLabel }) => [meanPrediction, meanLabel]),
  );
  const x = linearScale([0, ...all], AREA.left, AREA.right, 3);
  const y = linearScale([0, ...all], AREA.bottom, AREA.top, 3);
  const end = Math.min(x.ticks.at(-1)!, y.ticks.at(-1)!);
  return models.map(({ name, bins }, i) => {
    const points = bins.map(({ meanPrediction, meanLabel }) => ({ x: meanPrediction, y: meanLabel }));
    return panel({
      id: `${id}-${i}`,
      title: `Calibration: ${name}`,
      text: points.map((point) => `predicted ${point.x.toFixed(3)}, observed ${point.y.toFixed(3)}`).join('; '),
      name,
      x,
      y,
      xLabel: 'predicted',
      body: [
        `<line x1="${px(x.at(0))}" y1="${px(y.at(0))}" x2="${px(x.at(end))}" y2="${px(y.at(end))}" class="zero"/>`,
        path({ name, points }, x, y, 'own'),
        ...points.map((point) => `<circle cx="${px(x.at(point.x))}" cy="${px(y.at(point.y))}" r="2.5" class="best"/>`),
      ],
    });
  });
}

function path({ points }: Line, x: Scale, y: Scale, kind: string): string {
  return `<polyline points="${points.map((point) => `${px(x.at(point.x))},${px(y.at(point.y))}`).join(' ')}" class="${kind}"/>`;
}

function panel(one: {
  id: string;
  title: string;
  text: string;
  name: string;
  x: Scale;
  y: Scale;
  xLabel: string;
  body: readonly string[];
}): string {
  return svg({
    id: one.id,
    width: WIDTH,
    height: HEIGHT,
    title: one.title,
    text: one.text,
    body: [
      `<text x="2" y="14" class="strong">${escapeHtml(one.name)}</text>`,
      ...upAxis(one.y, AREA),
      ...rightAxis({ ...one.x, ticks: ends(one.x.ticks) }, AREA),
      ...one.body,
      `<text x="${(AREA.left + AREA.right) / 2}" y="${AREA.bottom + 17}" text-anchor="middle" class="quiet">${escapeHtml(one.xLabel)}</text>`,
    ],
  });
}

/** First and last: there is no room for more. */
function ends(ticks: readonly number[]): number[] {
  return ticks.length < 2 ? [...ticks] : [ticks[0]!, ticks.at(-1)!];
}
