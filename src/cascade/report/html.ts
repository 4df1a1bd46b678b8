import { escapeHtml } from '../../charts/escape.js';
import type { FunnelReport } from '../evaluate.js';
import { frontierPlot } from './frontier-plot.js';
import { funnelDiagram } from './funnel-diagram.js';
import { introduction, reportTables } from './text.js';
import type { ReportTable } from './words.js';

const STYLE = `
:root { color-scheme: light dark; --paper: #fdfdfc; --ink: #1d2126; --quiet: #5b636d; --line: #d9dde2; --kept: #2563a8; --lost: #e3c9a8; --mark: #b3470d; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181c; --ink: #e8eaed; --quiet: #a3abb5; --line: #343b44; --kept: #6ea8e6; --lost: #6b4a26; --mark: #f0965a; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 52rem; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
p { margin: .4rem 0; } .note { color: var(--quiet); font-size: .875rem; max-width: 44rem; }
figure { margin: 1.5rem 0; } svg { width: 100%; height: auto; font: 13px system-ui, sans-serif; }
svg text { fill: var(--ink); paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; } svg .quiet { fill: var(--quiet); } svg .strong { font-weight: 600; }
svg .kept { fill: var(--kept); } svg .lost { fill: var(--lost); }
svg .grid { stroke: var(--line); } svg .axis { stroke: var(--quiet); }
svg .frontier { fill: none; stroke: var(--kept); stroke-width: 2; }
svg .best { fill: var(--kept); } svg .other { fill: var(--paper); stroke: var(--quiet); stroke-width: 1.5; }
svg .configured { fill: var(--mark); stroke: var(--paper); stroke-width: 1.5; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } thead th { color: var(--quiet); font-weight: 500; } tbody th { font-weight: 400; }
.key { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin: 0 .35em 0 .9em; }
footer { margin-top: 3rem; color: var(--quiet); font-size: .8rem; }
@media (max-width: 36rem) { .scroll svg { min-width: 36rem; } }
`;

/** The report as one HTML file that needs nothing else: no script, no font, no picture from elsewhere. */
export function reportHtml(report: FunnelReport): string {
  const { environment } = report;
  const tables = reportTables(report);
  const last = tables.at(-1)!;
  const title = `Funnel report: ${escapeHtml(report.dataset)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${introduction(report)
  .map((line) => `<p>${escapeHtml(line)}</p>`)
  .join('\n')}
<figure>${scroll('The funnel', funnelDiagram(report))}</figure>
${tables.slice(0, -1).map(section).join('\n')}
<h2>${escapeHtml(last.title)}</h2>
<figure>${scroll(last.title, frontierPlot(report))}
<figcaption class="note"><span class="key" style="background:var(--kept);margin-left:0"></span>best for its cost<span class="key" style="background:var(--mark)"></span>as configured<span class="key" style="border:1.5px solid var(--quiet)"></span>others</figcaption></figure>
${body(last)}
</main>
<footer>twotower ${escapeHtml(environment.twotower)}, node ${escapeHtml(environment.node)}, ONNX Runtime ${escapeHtml(environment.onnxruntime)}, ${environment.cores} cores of ${escapeHtml(environment.cpu)}. Log ${escapeHtml(report.logHash.slice(0, 12))}.</footer>
</body>
</html>
`;
}

function section(one: ReportTable): string {
  return `<h2>${escapeHtml(one.title)}</h2>\n${body(one)}`;
}

function body({ title, note, rows: [header, ...lines] }: ReportTable): string {
  const head = header!.map((cell) => (cell === '' ? '<td></td>' : `<th scope="col">${escapeHtml(cell)}</th>`)).join('');
  const row = ([first, ...cells]: string[]) =>
    `<tr><th scope="row">${escapeHtml(first!)}</th>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`;
  const table = `<table><thead><tr>${head}</tr></thead><tbody>
${lines.map(row).join('\n')}
</tbody></table>`;
  return `${scroll(title, table)}
${note === '' ? '' : `<p class="note">${escapeHtml(note)}</p>`}`;
}

/** Scrolls by itself where it is wider than the screen, so that a phone need not shrink it until nobody can read it. */
function scroll(name: string, content: string): string {
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(name)}">${content}</div>`;
}
