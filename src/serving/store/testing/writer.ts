import { FakeHost } from '../../http/testing/fake-host.js';
import { StateStore } from '../state-store.js';

/**
 * Writes items and events without end, until it is killed or a write fails, and prints a line for each that was acknowledged:
 * `item NUMBER`, `event NUMBER`, and `failed CODE` where one was not, after which it tries no more.
 */
const [folder, size = '100'] = process.argv.slice(3);
const store = await StateStore.open(folder!);
const host = new FakeHost();
const filler = 'x'.repeat(Number(size));
try {
  for (let i = 0; ; i++) {
    await store.putItems([{ key: `k${i % 50}`, values: { count: i, filler } }], host);
    process.stdout.write(`item ${i}\n`);
    await store.addEvents([{ user: 'u', item: 'k', time: i, received: i, feedback: { click: 1 } }], host);
    process.stdout.write(`event ${i}\n`);
  }
} catch (error) {
  process.stdout.write(`failed ${(error as { code?: string }).code}\n`);
}
await store.close();
