import { expect, test, vi } from 'vitest';
import { openLink } from './redis-link.js';
import { parseRedisUrl } from './redis-url.js';

vi.mock('@redis/client', () => {
  throw new Error("Cannot find package '@redis/client'");
});

test('without the optional package one error says how to get it', async () => {
  await expect(openLink(parseRedisUrl('redis://127.0.0.1:1'), 'tag')).rejects.toMatchObject({
    code: 'SERVING_STATE',
    remedy: 'Install it: npm install @redis/client.',
  });
});
