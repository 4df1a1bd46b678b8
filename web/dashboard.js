import { NeedsKey, setKey } from './api.js';
import { explore, offer } from './explorer.js';
import { drawOverview } from './overview.js';

const INTERVAL = 2000;
const VIEWS = ['overview', 'explorer'];
const at = (id) => document.getElementById(id);
let timer;

/** Shows the view that the address names, so that it can be linked and gone back to. */
function showView() {
  const wanted = location.hash.slice(1).split('?')[0];
  const current = VIEWS.includes(wanted) ? wanted : VIEWS[0];
  for (const view of VIEWS) {
    at(view).hidden = view !== current;
    if (view === current) at(`link-${view}`).setAttribute('aria-current', 'page');
    else at(`link-${view}`).removeAttribute('aria-current');
  }
  // The address names a section, to which the browser would scroll past the header.
  scrollTo(0, 0);
}

async function refresh() {
  clearTimeout(timer);
  try {
    const state = await drawOverview();
    offer(state);
    at('key-form').hidden = true;
    setStatus(state.ready ? 'serving' : 'no version is ready', state.ready);
  } catch (error) {
    if (error instanceof NeedsKey) {
      at('key-form').hidden = false;
      setStatus(error.message, false);
      return;
    }
    setStatus(`the server does not answer: ${error.message}`, false);
  }
  timer = setTimeout(refresh, document.hidden ? 5 * INTERVAL : INTERVAL);
}

function setStatus(text, isGood) {
  const status = at('status');
  // A reader is told of changes only.
  if (status.textContent === text) return;
  status.textContent = text;
  status.className = isGood ? 'good' : 'bad';
}

at('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  setKey(at('key').value);
  void refresh();
});

at('ask').addEventListener('submit', async (event) => {
  event.preventDefault();
  at('ask-error').textContent = '';
  const versions = [...new Set([at('left').value, at('right').value])].filter((id) => id !== '');
  try {
    await explore({ user: at('user').value, k: Number(at('k').value) || 10, versions });
  } catch (error) {
    at('ask-error').textContent = error.message;
  }
});

addEventListener('hashchange', showView);
showView();
void refresh();
