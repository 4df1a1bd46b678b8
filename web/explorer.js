import { call } from './api.js';
import { el, number, show, table } from './dom.js';

/** Rows of a phase that are shown at once; the rest opens on demand. */
const SHOWN = 30;
const TITLE = /title|name/i;

/** Fills the choices with what the server has now, without taking away what was chosen. */
export function offer({ live, recentUsers }) {
  const ids = live.map(({ info }) => info.id);
  for (const [id, first] of [
    ['left', undefined],
    ['right', 'nothing'],
  ]) {
    const select = document.getElementById(id);
    const options = [...(first === undefined ? [] : ['']), ...ids];
    if ([...select.options].map(({ value }) => value).join() === options.join()) continue;
    const chosen = select.options.length === 0 ? undefined : select.value;
    select.replaceChildren(...options.map((value) => el('option', { value }, value === '' ? first : value)));
    if (options.includes(chosen)) select.value = chosen;
    else if (id === 'right' && ids.length > 1) select.value = ids[1];
  }
  show(
    'recent',
    recentUsers.map(({ user }) => el('option', { value: user })),
  );
}

/** Asks every chosen version for the user and shows what each phase kept and dropped. */
export async function explore({ user, k, versions }) {
  const known = await call(`/v1/users/${encodeURIComponent(user)}`).catch((error) => {
    if (error.status === 404) return undefined;
    throw error;
  });
  const answers = await Promise.all(
    versions.map((version) => call('/v1/recommend', { user, k, version, explain: true })),
  );
  const events = Object.entries(known?.histories ?? {}).flatMap(([name, list]) =>
    list
      .slice(-15)
      .reverse()
      .map((event) => ({ name, ...event })),
  );
  const keys = new Set([
    ...events.map(({ item }) => item),
    ...answers.flatMap(({ explain }) => explain.flatMap(({ items }) => items.slice(0, 500))),
  ]);
  const titles = await titlesOf([...keys]);
  drawUser(user, known, events, titles);
  show(
    'sides',
    answers.map((answer) => side(answer, titles)),
  );
}

async function titlesOf(keys) {
  const titles = new Map();
  for (let i = 0; i < keys.length; i += 2000) {
    const { items } = await call('/v1/items/lookup', { keys: keys.slice(i, i + 2000) });
    for (const { key, values } of items) titles.set(key, titleOf(key, values));
  }
  return titles;
}

/** The column that reads like a title, or else the first few that say something. */
function titleOf(key, values) {
  const entries = Object.entries(values).filter(([, value]) => value !== null && value !== '' && String(value) !== key);
  const title = entries.find(([name]) => TITLE.test(name));
  return title === undefined
    ? entries
        .slice(0, 3)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ')
    : String(title[1]);
}

function drawUser(user, known, events, titles) {
  const facts = Object.entries(known?.values ?? {}).map(([name, value]) => `${name} ${value ?? '–'}`);
  show(
    'history',
    el(
      'div',
      { class: 'panel' },
      el('h3', {}, `User ${user}`),
      el('p', { class: 'note' }, known === undefined ? 'not known: served as an unknown user' : facts.join(', ')),
      events.length === 0
        ? el('p', { class: 'note' }, 'no history')
        : el(
            'ul',
            { class: 'history', 'aria-label': 'history, newest first' },
            events.map(({ name, item, time }) =>
              el(
                'li',
                { title: time === null ? name : `${name}, ${new Date(time * 1000).toISOString()}` },
                `${titles.get(item) || item}`,
              ),
            ),
          ),
    ),
  );
}

function side({ version, items, phases, degraded, explain, timing }, titles) {
  const answered = new Set(items.map(({ item }) => item));
  return el(
    'div',
    { class: 'panel' },
    el('h3', {}, version, ' ', el('span', { class: 'note' }, `${number(timing.totalMs)} ms`)),
    degraded.map(({ phase, reason, detail }) =>
      el('p', { class: 'bad' }, `${phase} was skipped (${reason}): ${detail}`),
    ),
    el('h3', {}, 'Answer'),
    el(
      'div',
      { class: 'scroll' },
      table(
        ['', 'item', 'score', 'by'],
        items.map(({ item, score, phase }, i) => ({ cells: [i + 1, titled(item, titles), score, phase] })),
        'the answer',
      ),
    ),
    explain.map((trace, i) =>
      phasePart(
        trace,
        phases.find(({ phase }) => phase === trace.phase),
        explain[i + 1],
        answered,
        titles,
      ),
    ),
  );
}

/** A phase's list: the dashed line is its cut, grey is what it dropped. */
function phasePart({ phase, items, scores, kept }, report, next, answered, titles) {
  // How far each item came in the phase after: where the two disagree is what one looks for.
  const after = new Map((next?.items ?? []).map((item, i) => [item, i + 1]));
  const row = (item, i) => ({
    cells: [i + 1, titled(item, titles), scores[i], after.get(item) ?? (answered.has(item) ? '✓' : '')],
    mark: i >= kept ? 'dropped' : i === kept - 1 && items.length > kept ? 'cut' : undefined,
  });
  const head = ['', 'item', 'score', next === undefined ? 'answer' : `in ${next.phase}`];
  // Around the cut is where it is decided.
  const around = items.map(row).filter((_, i) => i < SHOWN || Math.abs(i - kept) < 5);
  const rest = items
    .map(row)
    .filter((_, i) => i >= SHOWN && Math.abs(i - kept) >= 5)
    .slice(0, 500);
  return el(
    'details',
    { open: next === undefined ? '' : undefined },
    el(
      'summary',
      {},
      `${phase}: ${number(report?.in ?? items.length)} → ${number(kept)} `,
      el('span', { class: 'note' }, `${number(report?.ms)} ms`),
    ),
    el('div', { class: 'scroll' }, table(head, around, `${phase}: items by score`)),
    rest.length === 0
      ? ''
      : el(
          'details',
          {},
          el('summary', {}, `${rest.length} more`),
          el('div', { class: 'scroll' }, table(head, rest, `${phase}: the others`)),
        ),
  );
}

function titled(item, titles) {
  const title = titles.get(item);
  return title ? el('span', {}, title, ' ', el('span', { class: 'note' }, item)) : item;
}
