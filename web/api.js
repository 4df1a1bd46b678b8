// What the dashboard asks the server. The key, where one is needed, lives as long as the tab.
const STORED = 'twotower-key';

export class NeedsKey extends Error {}

export function setKey(key) {
  sessionStorage.setItem(STORED, key);
}

/** One call of the API; throws what the server says. */
export async function call(path, body) {
  const key = sessionStorage.getItem(STORED);
  const response = await fetch(path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(key !== null && { authorization: `Bearer ${key}` }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = await response.json();
  if (response.ok) return answer;
  if (response.status === 401) throw new NeedsKey(answer.error.message);
  throw Object.assign(new Error(answer.error.message), { status: response.status });
}
