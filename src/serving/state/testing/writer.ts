import { FakeHost } from '../../http/testing/fake-host.js';
import { RedisState } from '../redis-state.js';

/**
 * Writes items and events to a shared state without end, until it is killed, and prints a line for each that was acknowledged:
 * `item NUMBER`, `event NUMBER`.
 */
const [url, store] = process.argv.slice(3);
const log = { info() {}, warn() {}, error() {} };
const state = await RedisState.open(url!, { store: store!, log });
state.follow(new FakeHost());
for (let i = 0; ; i++) {
  await state.putItems([{ key: `k${i}`, values: { count: i } }]);
  process.stdout.write(`item ${i}\n`);
  await state.addEvents([{ user: 'u', item: 'k', time: i, received: i, feedback: { click: 1 } }]);
  process.stdout.write(`event ${i}\n`);
}
