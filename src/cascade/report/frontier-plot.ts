import { escapeHtml } from '../../charts/escape.js';
import type { FunnelReport } from '../evaluate.js';
import type { SweepPoint } from '../sweep.js';
import { large } from './words.js';

const WIDTH = 720;
const HEIGHT = 360;
const AREA = { left: 64, right: 690, top: 24, bottom: 306 };

/** Every tried pair of list lengths, cost to the right and quality upwards; the best for their cost are joined. */
export function frontierPlot({ sweep, ks, metrics }: FunnelReport): string {
  const k = ks[0]!;
  const x = logScale(sweep.map(({ flops }) => flops));
  const y = linearScale(sweep.map(({ ndcg }) => ndcg));
  const configured = metrics.stages.map(({ items }) => items);
  const isConfigured = (point: SweepPoint) =>
    point.retrieve === configured[0] && (metrics.stages[1]?.phase !== 'prerank' || point.prerank === configured[1]);
  const best = sweep.filter(({ frontier }) => frontier);
  const line = best.map((point) => `${x.at(point.flops).toFixed(1)},${y.at(point.ndcg).toFixed(1)}`).join(' ');
  const label = ({ retrieve, prerank }: SweepPoint) =>
    retrieve === prerank ? `${retrieve}` : `${retrieve}→${prerank}`;
  const dots = sweep.map((point) => {
    const [cx, cy] = [x.at(point.flops).toFixed(1), y.at(point.ndcg).toFixed(1)];
    const kind = isConfigured(point) ? 'configured' : point.frontier ? 'best' : 'other';
    const said = `${label(point)}: NDCG@${k} ${point.ndcg.toFixed(4)}, ${large(point.flops)}FLOP`;
    return `<circle cx="${cx}" cy="${cy}" r="${kind === 'other' ? 4 : 5.5}" class="${kind}"><title>${said}</title></circle>`;
  });
  const names = spaced(best, x).map(
    (point) =>
      `<text x="${x.at(point.flops).toFixed(1)}" y="${(y.at(point.ndcg) - 11).toFixed(1)}" text-anchor="middle" class="quiet">${label(point)}</text>`,
  );
  const grid = [
    ...y.ticks.map(
      (tick) =>
        `<line x1="${AREA.left}" x2="${AREA.right}" y1="${y.at(tick).toFixed(1)}" y2="${y.at(tick).toFixed(1)}" class="grid"/><text x="${AREA.left - 8}" y="${(y.at(tick) + 4).toFixed(1)}" text-anchor="end" class="quiet">${tick.toFixed(y.digits)}</text>`,
    ),
    ...x.ticks.map(
      (tick) =>
        `<line x1="${x.at(tick).toFixed(1)}" x2="${x.at(tick).toFixed(1)}" y1="${AREA.bottom}" y2="${AREA.bottom + 5}" class="axis"/><text x="${x.at(tick).toFixed(1)}" y="${AREA.bottom + 20}" text-anchor="middle" class="quiet">${large(tick)}</text>`,
    ),
  ];
  const words = best.map((point) => `${label(point)} ${point.ndcg.toFixed(4)}`).join(', ');
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="frontier-title frontier-text">
<title id="frontier-title">Quality against cost</title>
<desc id="frontier-text">NDCG@${k} of the final list for pairs of list lengths N1→N2; the best for their cost: ${escapeHtml(words)}.</desc>
${grid.join('\n')}
<line x1="${AREA.left}" x2="${AREA.right}" y1="${AREA.bottom}" y2="${AREA.bottom}" class="axis"/>
<polyline points="${line}" class="frontier"/>
${dots.join('\n')}
${names.join('\n')}
<text x="${AREA.left}" y="14" class="quiet">NDCG@${k} at the end</text>
<text x="${AREA.right}" y="${HEIGHT - 14}" text-anchor="end" class="quiet">floating-point operations a request (logarithmic)</text>
</svg>`;
}

/** Points whose names do not run into each other: the last first, as the most is to be had there. */
function spaced(points: readonly SweepPoint[], x: { at(value: number): number }): SweepPoint[] {
  let free = Number.POSITIVE_INFINITY;
  return points.toReversed().filter(({ flops }) => {
    if (x.at(flops) > free - 64) return false;
    free = x.at(flops);
    return true;
  });
}

function linearScale(values: readonly number[]) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const range = high - low || Math.max(Math.abs(high), 1e-3) * 0.1;
  const rough = range / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough)!;
  const from = Math.floor((low - range * 0.05) / step) * step;
  const to = Math.ceil((high + range * 0.12) / step) * step;
  const ticks = Array.from({ length: Math.round((to - from) / step) + 1 }, (_, i) => from + i * step);
  const at = (value: number) => AREA.bottom - ((value - from) / (to - from)) * (AREA.bottom - AREA.top);
  return { at, ticks, digits: Math.max(0, -Math.floor(Math.log10(step))) };
}

function logScale(values: readonly number[]) {
  const low = Math.log10(Math.min(...values));
  const high = Math.log10(Math.max(...values));
  const margin = Math.max(0.05, (high - low) * 0.08);
  const [from, to] = [low - margin, high + margin];
  const at = (value: number) => AREA.left + ((Math.log10(value) - from) / (to - from)) * (AREA.right - AREA.left);
  const decades = Array.from({ length: 24 }, (_, i) => i - 2);
  const all = decades.flatMap((decade) => [1, 2, 5].map((one) => one * 10 ** decade));
  const ticks = all.filter((tick) => Math.log10(tick) >= from && Math.log10(tick) <= to);
  // Within less than a factor of two no such number may lie.
  return { at, ticks: ticks.length < 2 ? [Math.min(...values), Math.max(...values)] : ticks };
}
