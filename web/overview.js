import { call } from './api.js';
import { funnelRow, lines } from './charts.js';
import { el, number, show, table } from './dom.js';

const PHASES = ['retrieve', 'prerank', 'rank'];

/** Draws the state of the server; returns the versions that answer, for the explorer. */
export async function drawOverview() {
  const [stats, versions] = await Promise.all([call('/v1/stats'), call('/v1/versions')]);
  const { lastMinute, series } = stats;
  const times = series.map(({ time }) => time);
  const pick = (name) => series.map((one) => one[name]);
  const rate = series.at(-1)?.perSecond ?? 0;
  const refusals = series.reduce((sum, one) => sum + one.refused + one.failures, 0);
  show(
    'tiles',
    [
      ['requests/s', rate],
      ['p50 ms', lastMinute.p50],
      ['p99 ms', lastMinute.p99],
      ['refused or failed', refusals],
      ['degraded', series.reduce((sum, one) => sum + one.degraded, 0)],
      ['waiting', versions.live.reduce((sum, { stats: { queued } }) => sum + queued, 0)],
    ].map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, number(value)))),
  );
  drawFunnel(lastMinute.funnel, versions.live.length > 1);
  show(
    'latency',
    lines(
      times,
      ['p50', 'p95', 'p99'].map((name) => ({ name, values: pick(name) })),
      'latency in milliseconds',
    ),
  );
  show(
    'throughput',
    lines(
      times,
      [
        { name: 'all', values: pick('perSecond') },
        { name: 'refused', values: series.map(({ refused }) => refused / stats.bucketSeconds) },
      ],
      'requests per second',
    ),
  );
  drawVersions(versions, lastMinute);
  return { ready: stats.ready, live: versions.live, recentUsers: stats.recentUsers };
}

function drawFunnel(funnel, named) {
  if (funnel.length === 0) {
    show('funnel', el('p', { class: 'note' }, 'No recommendation was asked for in the last minute.'));
    return;
  }
  const most = Math.max(...funnel.map((row) => row.in));
  const versions = [...new Set(funnel.map(({ version }) => version))];
  show(
    'funnel',
    versions.flatMap((version) => [
      named ? el('p', { class: 'note' }, version) : el('span'),
      ...funnel
        .filter((row) => row.version === version)
        .sort((a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase))
        .map((row) => funnelRow(row, most)),
    ]),
  );
}

function drawVersions({ live, refused }, { versions }) {
  const total = Object.values(versions).reduce((sum, value) => sum + value, 0);
  const rows = live.flatMap(({ info, share, stats }) =>
    info.phases.map(({ phase, model, keep, budgetMs, metrics }, i) => ({
      cells: [
        i === 0
          ? el(
              'span',
              {},
              el('strong', {}, info.id),
              el('br'),
              el('span', { class: 'note' }, `${number(info.items)} items, ${number(stats.users)} users`),
            )
          : '',
        i === 0 ? `${number(100 * share)} %` : '',
        i === 0 ? (total === 0 ? '–' : `${number((100 * (versions[info.id] ?? 0)) / total)} %`) : '',
        phase,
        model,
        keep,
        budgetMs === undefined ? undefined : `${budgetMs} ms`,
        metrics.auc,
        metrics.gauc,
        metrics['recall@100'],
        stats.degraded[phase],
      ],
    })),
  );
  show(
    'versions',
    table(
      ['version', 'share', 'last minute', 'phase', 'model', 'keeps', 'budget', 'AUC', 'GAUC', 'recall@100', 'skipped'],
      rows,
      'versions that answer, with the offline metrics of their runs',
    ),
  );
  show(
    'refused',
    refused.length === 0
      ? []
      : [
          el('h3', { class: 'bad' }, 'Refused'),
          ...refused.map(({ version, reason, at }) =>
            el('p', {}, el('strong', {}, version), ` ${reason} `, el('span', { class: 'note' }, at)),
          ),
        ],
  );
}
