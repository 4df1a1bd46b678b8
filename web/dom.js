// Elements without markup in strings: whatever a title says, it stays text.
const SVG = 'http://www.w3.org/2000/svg';
const SVG_NAMES = new Set(['svg', 'path', 'rect', 'line', 'text', 'title', 'g']);

/** An element with attributes and children; text stays text. */
export function el(name, attributes = {}, ...children) {
  const node = SVG_NAMES.has(name) ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(key, value);
  node.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== ''));
  return node;
}

export function show(id, ...children) {
  document.getElementById(id).replaceChildren(...children.flat(Infinity));
}

/** A table; cells are text or elements, columns with numbers stand right. */
export function table(head, rows, caption) {
  const kinds = head.map((_, i) => (rows.some(({ cells }) => typeof cells[i] === 'number') ? 'number' : undefined));
  return el(
    'table',
    {},
    caption === undefined ? '' : el('caption', { class: 'visually-hidden' }, caption),
    el(
      'thead',
      {},
      el(
        'tr',
        {},
        head.map((name, i) => el('th', { scope: 'col', class: kinds[i] }, name)),
      ),
    ),
    el(
      'tbody',
      {},
      rows.map(({ cells, mark }) =>
        el(
          'tr',
          { class: mark },
          cells.map((value, i) =>
            el('td', { class: kinds[i] }, typeof value === 'number' ? number(value) : (value ?? '–')),
          ),
        ),
      ),
    ),
  );
}

/** A number for people: three digits that matter. */
export function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (Number.isInteger(value)) return value.toLocaleString('en');
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
