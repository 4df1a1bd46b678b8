import { escapeHtml } from './escape.js';

const LIGHT =
  '--paper: #fdfdfc; --ink: #1d2126; --quiet: #5b636d; --line: #d9dde2; --main: #2563a8; --good: #1e7a46; --bad: #b3470d; --faint: #c3c9d0; --spent: #e3c9a8;';
const DARK =
  '--paper: #15181c; --ink: #e8eaed; --quiet: #a3abb5; --line: #343b44; --main: #6ea8e6; --good: #6cc893; --bad: #f0965a; --faint: #4a525c; --spent: #6b4a26;';

const STYLE = `
:root { color-scheme: light dark; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root { ${DARK} } }
@media print { :root { color-scheme: light; ${LIGHT} } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 60rem; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.3rem; margin: 3rem 0 .5rem; } h3 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { margin: .4rem 0; max-width: 46rem; } .note { color: var(--quiet); font-size: .875rem; } .warning { border-left: 4px solid var(--bad); padding: .2rem 0 .2rem .8rem; font-weight: 600; }
nav a { margin-right: 1rem; display: inline-block; } a { color: var(--main); }
figure { margin: 1rem 0; } figure > svg { max-width: 40rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1rem 2rem; }
.funnels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 1rem 2rem; } .funnels svg { max-width: 26rem; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(13rem, calc(50% - .5rem)), 1fr)); gap: .75rem; }
svg { width: 100%; height: auto; display: block; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; } svg .quiet { fill: var(--quiet); } svg .strong { font-weight: 600; }
svg .grid { stroke: var(--line); } svg .axis { stroke: var(--quiet); } svg .zero { stroke: var(--quiet); stroke-dasharray: 4 3; }
svg .front, svg .own { fill: none; stroke: var(--main); stroke-width: 2; } svg .faint { fill: none; stroke: var(--faint); stroke-width: 1; }
svg .whisker { stroke: var(--quiet); stroke-width: 1.5; } svg .interval { stroke: var(--quiet); stroke-width: 2; }
svg .best { fill: var(--main); } svg .other { fill: var(--paper); stroke: var(--quiet); stroke-width: 1.5; }
svg .kept { fill: var(--main); } svg .lost { fill: var(--spent); }
svg .same circle { fill: var(--quiet); }
svg .better circle { fill: var(--good); } svg .better .interval { stroke: var(--good); }
svg .worse circle { fill: var(--bad); } svg .worse .interval { stroke: var(--bad); }
.scroll { overflow-x: auto; margin: .75rem 0; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } thead th { color: var(--quiet); font-weight: 500; } tbody th { font-weight: 400; } th:first-child { position: sticky; left: 0; background: var(--paper); }
.good { color: var(--good); } .bad { color: var(--bad); }
details { margin: .5rem 0; } summary { color: var(--quiet); font-size: .875rem; cursor: pointer; }
footer { margin-top: 3rem; color: var(--quiet); font-size: .8rem; }
@media (max-width: 36rem) { body { padding: 1.25rem 1rem 3rem; } figure > svg, .pair svg { font-size: 14px; } }
@media print { body { max-width: none; padding: 0; font-size: 11pt; } figure, table, svg { break-inside: avoid; } h2, h3 { break-after: avoid; } .scroll { overflow: visible; } nav, summary { display: none; } details::details-content { content-visibility: visible; display: block; } }
`;

/** A page that needs nothing else: no script, no font, no picture from elsewhere; light and dark; fit to print. */
export function page({ title, body, footer }: { title: string; body: readonly string[]; footer: string }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body.join('\n')}
</main>
<footer>${escapeHtml(footer)}</footer>
</body>
</html>
`;
}

/** A table that scrolls by itself where it is too wide; a cell that ends in ▲ or ▼ is coloured. */
export function tableHtml(title: string, [header, ...lines]: readonly (readonly string[])[]): string {
  const head = header!.map((text) => (text === '' ? '<td></td>' : `<th scope="col">${escapeHtml(text)}</th>`)).join('');
  const cell = (text: string) => {
    const kind = text.endsWith('▲') ? ' class="good"' : text.endsWith('▼') ? ' class="bad"' : '';
    return `<td${kind}>${escapeHtml(text)}</td>`;
  };
  const row = ([first, ...cells]: readonly string[]) =>
    `<tr><th scope="row">${escapeHtml(first ?? '')}</th>${cells.map(cell).join('')}</tr>`;
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(title)}"><table><thead><tr>${head}</tr></thead><tbody>
${lines.map(row).join('\n')}
</tbody></table></div>`;
}

/** What a chart shows, behind a click. */
export function dataBehind(title: string, rows: readonly (readonly string[])[]): string {
  return `<details><summary>the data</summary>${tableHtml(title, rows)}</details>`;
}
