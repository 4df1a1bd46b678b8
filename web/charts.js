import { el, number } from './dom.js';

const WIDTH = 560;
const HEIGHT = 190;
const LEFT = 44;
const BOTTOM = 22;
const TOP = 8;

/** Lines over time. `series`: [{ name, values: (number | null)[] }] at the seconds `times`. */
export function lines(times, series, label) {
  const now = times.at(-1) ?? 0;
  const span = Math.max(60, now - (times[0] ?? 0));
  const most = niceCeil(Math.max(0, ...series.flatMap(({ values }) => values.filter((value) => value !== null))));
  const x = (time) => LEFT + ((time - (now - span)) / span) * (WIDTH - LEFT - 6);
  const y = (value) => TOP + (1 - value / most) * (HEIGHT - TOP - BOTTOM);
  const grid = [0, 0.5, 1].map((share) => [
    el('line', { class: 'grid', x1: LEFT, x2: WIDTH, y1: y(share * most), y2: y(share * most) }),
    el('text', { x: LEFT - 6, y: y(share * most) + 4, 'text-anchor': 'end' }, number(share * most)),
  ]);
  const ticks = [1, 0.5, 0].map((share) => {
    const text = share === 0 ? 'now' : `−${duration(share * span)}`;
    const anchor = share === 1 ? 'start' : share === 0 ? 'end' : 'middle';
    return el('text', { x: x(now - share * span), y: HEIGHT - 6, 'text-anchor': anchor }, text);
  });
  const paths = series.map(({ values }, i) => el('path', { class: `s${i + 1}`, d: pathOf(times, values, x, y) }));
  const said = series.map(
    ({ name, values }) => `${name} ${number(values.findLast((value) => value !== null) ?? null)}`,
  );
  return [
    el(
      'svg',
      { class: 'chart', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `${label}: ${said.join(', ')}` },
      grid,
      ticks,
      paths,
    ),
    el(
      'div',
      { class: 'legend' },
      said.map((text, i) =>
        el(
          'span',
          {},
          el(
            'svg',
            { viewBox: '0 0 26 8', 'aria-hidden': 'true' },
            el('line', { class: `s${i + 1}`, x1: 0, x2: 26, y1: 4, y2: 4, 'stroke-width': 2 }),
          ),
          text,
        ),
      ),
    ),
  ];
}

/** One phase of the funnel: what came in, and of it what was kept, on a logarithmic scale. */
export function funnelRow({ phase, in: entered, kept, ms }, most) {
  const scale = (count) => (count <= 0 ? 0 : (100 * Math.log1p(count)) / Math.log1p(most));
  const text = `${number(entered)} → ${number(kept)}`;
  return el(
    'div',
    { class: 'funnel-row' },
    el('span', {}, phase),
    el(
      'svg',
      {
        viewBox: '0 0 100 26',
        preserveAspectRatio: 'none',
        role: 'img',
        'aria-label': `${phase}: ${text} items in ${number(ms)} ms`,
      },
      el('rect', { class: 'bar', x: (100 - scale(entered)) / 2, y: 2, width: scale(entered), height: 22 }),
      el('rect', { class: 'kept', x: (100 - scale(kept)) / 2, y: 8, width: scale(kept), height: 10 }),
    ),
    el('span', { class: 'note' }, `${text}, ${number(ms)} ms`),
  );
}

function pathOf(times, values, x, y) {
  let path = '';
  let isDown = false;
  values.forEach((value, i) => {
    if (value === null) isDown = false;
    else {
      path += `${isDown ? 'L' : 'M'}${x(times[i]).toFixed(1)} ${y(value).toFixed(1)}`;
      // A single point would not be seen.
      if (!isDown) path += 'h0.1';
      isDown = true;
    }
  });
  return path;
}

function niceCeil(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

function duration(seconds) {
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
